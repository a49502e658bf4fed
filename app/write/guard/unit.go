package guard

import (
	"regexp"
	"strings"
	"unicode"
)

func isLetter(r rune) bool { return unicode.IsLetter(r) }

// unitNames brings the ways of writing a unit to one. A leading "~" marks a
// soft one, which may go when the sentence says it otherwise.
var unitNames = func() map[string]string {
	m := map[string]string{}
	for canonical, names := range map[string]string{
		"%": "% percent prozent pourcent procent ％ percentage", "pp": "pp",
		"USD": "$ usd us$ dollar dollars 美元", "EUR": "€ eur euro euros 欧元", "GBP": "£ gbp pound pounds 英镑",
		"CNY": "¥ cny rmb yuan 元 块 人民币", "JPY": "jpy yen 日元", "INR": "₹ inr rupee rupees", "CHF": "chf",
		"km": "km kilometer kilometers kilometre kilometres 公里 千米", "m": "m meter meters metre metres 米",
		"cm": "cm centimeter centimeters centimetre centimetres 厘米", "mm": "mm millimeter millimeters millimetre millimetres 毫米",
		"mi": "mi mile miles 英里", "ft": "ft foot feet 英尺", "in": "inch inches 英寸", "yd": "yd yard yards",
		"kg": "kg kilo kilos kilogram kilograms kilogramme 公斤 千克", "g": "g gram grams 克", "mg": "mg milligram milligrams 毫克",
		"t": "ton tons tonne tonnes 吨", "lb": "lb lbs", "oz": "oz ounce ounces", "斤": "斤",
		"l": "l liter liters litre litres 升", "ml": "ml milliliter milliliters millilitre millilitres 毫升", "gal": "gal gallon gallons",
		"°C": "°c ℃ celsius 摄氏度", "°F": "°f fahrenheit 华氏度", "°": "° degree degrees 度",
		"kB": "kb kilobyte kilobytes", "MB": "mb megabyte megabytes", "GB": "gb gigabyte gigabytes", "TB": "tb terabyte terabytes",
		"GiB": "gib", "MiB": "mib", "Mbit/s": "mbps mbit/s", "Gbit/s": "gbps gbit/s",
		"ms": "ms millisecond milliseconds 毫秒", "s": "sec secs second seconds sekunde sekunden 秒", "min": "min mins minute minutes minuten 分钟",
		"h": "h hr hrs hour hours stunde stunden 小时 个小时 heures horas", "d": "day days tag tage tagen 天 jours días dias",
		"wk": "week weeks woche wochen 周 semaines semanas", "mo": "month months monat monate monaten 个月 mois meses",
		"yr": "year years jahr jahre jahren 年 ans años", "W": "w watt watts", "kW": "kw kilowatt kilowatts", "kWh": "kwh", "V": "v volt volts",
		"Hz": "hz", "kHz": "khz", "MHz": "mhz", "GHz": "ghz", "km/h": "km/h kph kmh", "mph": "mph", "px": "px pixel pixels 像素",
		"people": "人", "pcs": "个 件",
	} {
		for _, name := range strings.Fields(names) {
			m[name] = canonical
		}
	}
	return m
}()

// softUnits may be left out: "a 3-day trip" and "three days" say it, "人" and
// "个" only count.
var softUnits = set("people", "pcs", "°", "m", "in", "s")

var (
	unitAfter  = regexp.MustCompile(`^[ \x{00a0}\x{202f}-]?(%|％|°[CFcf]?|℃|[$€£¥₹]|km/h|mbit/s|gbit/s|Mbit/s|Gbit/s|百分点|欧元|美元|英镑|日元|人民币|公里|千米|厘米|毫米|英里|英尺|英寸|公斤|千克|毫克|毫升|摄氏度|华氏度|个小时|小时|分钟|毫秒|个月|像素|[元块米克吨斤升度秒天周年人个件]|per cent|\p{L}+)`)
	unitBefore = regexp.MustCompile(`(?:(US\$|[$€£¥₹]|\b(?:USD|EUR|GBP|CNY|RMB|JPY|CHF|INR))[ \x{00a0}]?|(百分之))$`)
)

// unitAround reads the unit before a number that starts at i or at the
// beginning of rest, which follows it.
func (t *text) unitAround(masked string, i int, rest string) (unit string, soft bool) {
	if m := unitBefore.FindStringSubmatch(masked[:i]); m != nil {
		if m[2] != "" {
			return "%", false
		}
		return unitNames[strings.ToLower(m[1])], false
	}
	m := unitAfter.FindStringSubmatch(rest)
	if m == nil {
		return "", false
	}
	name := strings.ToLower(m[1])
	if name == "per cent" {
		return "%", false
	}
	unit = unitNames[name]
	if name == "m" || name == "in" || name == "a" {
		if !strings.HasPrefix(rest, name) && !strings.HasPrefix(rest, " m") {
			return "", false
		}
	}
	return unit, softUnits[unit]
}
