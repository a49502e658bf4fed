package shell

import "strings"

// Words are those of the desktop's menus, which the page's words do not reach.
type Words struct {
	Open, NewChat, Prompt, Recent, Copied, Stop, Unload, Settings, Quit string
	Idle, Asleep, Loading, Writing, NoModel, Failed                     string // Loading takes the percentage
	HotkeyTitle                                                         string // of the shortcut, where the desktop lists it
	Commands                                                            map[string]string
}

var words = map[string]Words{
	"en": {
		Open: "Open Qwill", NewChat: "New Chat", Prompt: "Quick Prompt", Recent: "Recent Chats", Copied: "With the Copied Text",
		Stop: "Stop Writing", Unload: "Free the Model’s Memory", Settings: "Settings…", Quit: "Quit Qwill",
		Idle: "Ready", Asleep: "Asleep until needed", Loading: "Loading the model, %d %%", Writing: "Writing…",
		NoModel: "No model is installed", Failed: "The engine is not running", HotkeyTitle: "Open Qwill’s quick prompt",
		Commands: map[string]string{"rewrite": "Rewrite", "proofread": "Proofread", "friendly": "Make Friendly",
			"professional": "Make Professional", "concise": "Make Concise", "summarize": "Summarize", "key-points": "List Key Points",
			"translate": "Translate", "reply": "Reply"},
	},
	"zh-Hans": {
		Open: "打开 Qwill", NewChat: "新对话", Prompt: "快捷输入", Recent: "最近的对话", Copied: "处理已复制的文本",
		Stop: "停止书写", Unload: "释放模型占用的内存", Settings: "设置…", Quit: "退出 Qwill",
		Idle: "就绪", Asleep: "休眠，需要时唤醒", Loading: "正在加载模型，%d%%", Writing: "正在书写…",
		NoModel: "未安装模型", Failed: "引擎未运行", HotkeyTitle: "打开 Qwill 的快捷输入",
		Commands: map[string]string{"rewrite": "改写", "proofread": "校对", "friendly": "更亲切", "professional": "更专业",
			"concise": "更简洁", "summarize": "总结", "key-points": "要点", "translate": "翻译", "reply": "回复"},
	},
}

// WordsFor gives the words of a language, a BCP 47 tag or a locale; languages
// that Qwill has no words in get English.
func WordsFor(language string) Words { return words[Language(language)] }

// Language gives the one of Qwill's languages that fits a tag or a locale.
func Language(tag string) string {
	tag = strings.ToLower(strings.ReplaceAll(tag, "_", "-"))
	primary, rest, _ := strings.Cut(tag, "-")
	if primary == "zh" && !strings.Contains(rest, "hant") && !strings.HasPrefix(rest, "tw") && !strings.HasPrefix(rest, "hk") {
		return "zh-Hans"
	}
	return "en"
}
