// Command testcount turns the reports of the test runners into one line each
// and one sum, so that a green run shows what it ran.
//
//	go test -json ./... | testcount -runner go -counts FILE   reads go test's stream
//	testcount -runner page -vitest report.json -counts FILE   reads vitest's report
//	testcount -runner browser -playwright report.json -counts FILE
//	testcount -sum FILE                                       prints all lines and the sum
//
// It exits 1 when anything failed or nothing ran.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

type counts struct{ passed, failed, skipped int }

func (c counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

func main() {
	runner := flag.String("runner", "go", "name in the summary line")
	file := flag.String("counts", "", "file the summary line is appended to")
	vitest := flag.String("vitest", "", "vitest's JSON report")
	playwright := flag.String("playwright", "", "Playwright's JSON report")
	sum := flag.String("sum", "", "print and add up the lines of this file")
	flag.Parse()

	if *sum != "" {
		data, err := os.ReadFile(*sum)
		check(err)
		total, err := addUp(string(data))
		check(err)
		fmt.Printf("%s%d passed, %d failed, %d skipped\n", data, total.passed, total.failed, total.skipped)
		exit(total)
	}
	var c counts
	var err error
	switch {
	case *vitest != "":
		c, err = readReport(*vitest, parseVitest)
	case *playwright != "":
		c, err = readReport(*playwright, parsePlaywright)
	default:
		c, err = goTests(os.Stdin, os.Stdout)
	}
	if err != nil { // no report, no proof: that counts as a failure
		fmt.Fprintln(os.Stderr, "testcount:", err)
		c.failed++
	}
	line := fmt.Sprintf("%s: %s\n", *runner, c)
	fmt.Print(line)
	if *file != "" {
		f, err := os.OpenFile(*file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		check(err)
		_, err = f.WriteString(line)
		check(err)
		check(f.Close())
	}
	exit(c)
}

func exit(c counts) {
	if c.failed > 0 || c.passed == 0 {
		os.Exit(1)
	}
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "testcount:", err)
		os.Exit(1)
	}
}

// goTests counts top-level tests of `go test -json` and prints the output of
// those that failed, plus one line for each package. A package that fails
// without a failing test (it did not build, or it crashed) counts as one.
func goTests(in io.Reader, out io.Writer) (counts, error) {
	var c counts
	output := map[string][]string{} // package or package/test -> lines
	failedIn := map[string]bool{}
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadString('\n')
		if line != "" {
			var e struct{ Action, Package, ImportPath, Test, Output string }
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(out, line) // a build error's plain text
				continue
			}
			root, _, sub := strings.Cut(e.Test, "/")
			key := e.Package + " " + root
			switch e.Action {
			case "build-output":
				fmt.Fprint(out, e.Output)
			case "output":
				output[key] = append(output[key], e.Output)
				if e.Test == "" && (strings.HasPrefix(e.Output, "ok ") || strings.HasPrefix(e.Output, "FAIL\t")) {
					fmt.Fprint(out, e.Output)
				}
			case "pass", "fail", "skip":
				switch {
				case sub:
				case e.Test == "":
					if e.Action == "fail" && !failedIn[e.Package] {
						c.failed++
						fmt.Fprint(out, strings.Join(output[key], ""))
					}
				case e.Action == "pass":
					c.passed++
				case e.Action == "skip":
					c.skipped++
				default:
					c.failed++
					failedIn[e.Package] = true
					fmt.Fprint(out, strings.Join(output[key], ""))
				}
				if !sub {
					delete(output, key)
				}
			}
		}
		if err == io.EOF {
			return c, nil
		}
		if err != nil {
			return c, err
		}
	}
}

func readReport(path string, parse func([]byte) (counts, error)) (counts, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return counts{}, err
	}
	return parse(data)
}

func parseVitest(data []byte) (counts, error) {
	var r struct {
		NumPassedTests, NumFailedTests, NumPendingTests, NumTodoTests, NumFailedTestSuites int
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return counts{}, fmt.Errorf("vitest report: %w", err)
	}
	failed := r.NumFailedTests
	if failed == 0 && r.NumFailedTestSuites > 0 { // a file that could not even load
		failed = r.NumFailedTestSuites
	}
	return counts{r.NumPassedTests, failed, r.NumPendingTests + r.NumTodoTests}, nil
}

func parsePlaywright(data []byte) (counts, error) {
	var r struct {
		Stats struct{ Expected, Unexpected, Flaky, Skipped int }
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return counts{}, fmt.Errorf("playwright report: %w", err)
	}
	return counts{r.Stats.Expected + r.Stats.Flaky, r.Stats.Unexpected, r.Stats.Skipped}, nil
}

func addUp(lines string) (counts, error) {
	var total counts
	for line := range strings.Lines(lines) {
		_, numbers, ok := strings.Cut(line, ": ")
		var c counts
		if n, err := fmt.Sscanf(numbers, "%d passed, %d failed, %d skipped", &c.passed, &c.failed, &c.skipped); !ok || n != 3 {
			return total, fmt.Errorf("line %q: %v", line, err)
		}
		total.passed += c.passed
		total.failed += c.failed
		total.skipped += c.skipped
	}
	return total, nil
}
