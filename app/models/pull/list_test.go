package pull_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fault is one that a download, the store or a model's files must outlive, with
// the tests that cause it. Each of these fails when the fault did not happen.
type fault struct {
	number         int
	name, how, end string
	tests          []string // "Test" of this package, "folder: Test" of another
	open           string   // what of it was not caused, and why
}

var faultList = []fault{
	{1, "connection cut at any byte", "hub ends the connection after n bytes of an answer", "goes on from that byte",
		[]string{"TestFaultsOutlived", "TestModelScope", "TestSoak"}, ""},
	{2, "200 to a range", "hub ignores Range", "one stream from byte 0; nothing is appended", []string{"TestFaultsOutlived", "TestOneStreamInstead", "TestSoak"}, ""},
	{3, "206 with another part", "hub shifts Content-Range", "part dropped, one stream instead", []string{"TestFaultsOutlived", "TestOneStreamInstead", "TestSoak"}, ""},
	{4, "416", "hub answers 416 to a part", "one stream from byte 0", []string{"TestFaultsOutlived", "TestOneStreamInstead", "TestSoak"}, ""},
	{5, "signed address expires", "storage answers 403 to a part", "address resolved anew; no token to storage", []string{"TestFaultsOutlived", "app/cli: TestTokenThroughProxy", "app/fetch: TestTokenStaysHome"}, ""},
	{6, "one bit is wrong", "hub flips a bit once, or always", "fetched once more; then an error, nothing published", []string{"TestFaultsOutlived", "TestFaultsRefused", "TestModelScopeRefuses"}, ""},
	{7, "too short, too long", "hub ends early in order, or sends more, in chunks", "goes on; the rest is not written", []string{"TestFaultsOutlived", "TestSoak"}, ""},
	{8, "Content-Encoding: gzip", "hub names an encoding that was declined", "refused and asked again", []string{"TestFaultsOutlived", "TestSoak"}, ""},
	{9, "branch moves", "hub has another commit in the middle", "the pinned commit's bytes", []string{"TestBranchMoves", "TestFaultsRefused"}, ""},
	{10, "429", "hub answers 429 with RateLimit, Retry-After in seconds, as a date", "waits so long, all connections of the job, and shows it",
		[]string{"TestFaultsOutlived", "TestWaitIsShownAndKept", "app/fetch/huggingface: TestWaitTime"}, ""},
	{11, "5xx, DNS, TLS, login page", "hub answers 503 and HTML with 200; transport fails", "tried again with growing pauses, then an error", []string{"TestFaultsOutlived", "TestFaultsRefused", "TestNetworkFails"}, ""},
	{12, "stall and trickle", "hub sends nothing more, or a byte now and then", "another connection; cancelling takes less than 1 s", []string{"TestFaultsOutlived", "TestCancelWhileItStalls"}, ""},
	{13, "gated, private, unknown", "hub answers as the real one does", "different texts with what to do", []string{"TestRefusalsDiffer"}, ""},
	{14, "redirects in circles, to http, file, this machine, the LAN", "hub and transport redirect", "refused", []string{"TestFaultsRefused", "app/fetch: TestRefusals", "app/fetch: TestHosts"}, ""},
	{15, "hostile paths", "hub lists them", "repository refused", []string{"TestFaultsRefused", "TestPathsThatMeet", "TestModelScopeRefuses"}, ""},
	{16, "no bytes, no hash, weak and xet ETags", "hub lists and answers so (the ETags always)", "whole; refused without a hash", []string{"TestEmptyFile", "TestNoHashIsRefused", "TestModelScopeRefuses", "TestPull"}, ""},
	{17, "two jobs, two processes for the same", "two processes on one home", "fetched once", []string{"TestTwoProcesses", "TestQueue", "TestSameBytesTwice", "TestMoveByAnotherProcess"}, ""},
	{18, "altered partial file or record", "bytes, length, record changed between two runs", "fetched again", []string{"TestCorruptPartial", "TestOddPartials", "TestRangesOfNonsense", "TestOtherHubHasAnotherFile"}, ""},
	{19, "hub dies half-way", "the job moves to the other hub", "goes on where the SHA-256 is the same", []string{"TestOtherHubGoesOn", "TestOtherHubHasAnotherFile", "TestRenamedThenMovedOrCancelled"}, ""},
	{20, "odd lists", "hub pages, lists 10,100 files, no sizes, bad JSON, Code 500 under 200", "limits and an error, or tried again", []string{"TestFaultsOutlived", "TestManyFiles", "TestHugeFile", "TestNoHashIsRefused", "TestModelScope"}, ""},
	{21, "no space", "tmpfs filled before, in the middle, at the database's row; ENOSPC at each operation", "paused with the figures; goes on when there is room",
		[]string{"TestFullDisk", "TestFullDiskOfTheDatabase", "TestFailsAtEveryOperation", "app/store: TestFullDiskInAnyCall"}, ""},
	{22, "kill -9 at each step", "a child process kills itself before each operation", "a second process finishes; nothing half published", []string{"TestKilledAtEveryOperation", "TestKilledAtEveryStep", "TestKilledWhileItRuns"}, ""},
	{23, "database damaged, newer, locked, read-only", "files of the database altered", "set aside, told, or refused untouched",
		[]string{"app/store: TestDamagedDatabaseIsSetAside", "app/store: TestNewerSchemaIsRefusedUntouched", "app/store: TestLockedDatabase", "app/store: TestUnwritableFolder", "app/models: TestRescanAfterANewDatabase"}, ""},
	{24, "migration ended half-way", "a script fails in its middle", "old schema", []string{"app/store: TestMigrationIsAllOrNothing"}, ""},
	{25, "folder away", "renamed, and back", "missing, then there again", []string{"app/models: TestFindAndMissing", "TestOddPartials"}, "unplugging a volume: no removable drive here"},
	{26, "weights edited", "a byte changed after publishing", "verify names the file", []string{"TestVerifyFindsChanges"}, ""},
	{27, "deleted while in use or on its way", "cancel while it runs; forget while it answers", "ends at once; refused", []string{"TestCancel", "TestCancelWhileVerifying", "app/serve: TestIdleAndForget"}, ""},
	{28, "a terabyte is claimed; free space unknown", "hub lies about a size; statfs fails", "does not fit, with the figures; an error", []string{"TestHugeFile", "TestFailsAtEveryOperation"}, ""},
	{29, "safetensors header malformed", "files made so", "refused in Go by name", []string{"engine/safetensors: TestHeaderFaults"}, ""},
	{30, "tensor offsets and shapes malformed", "files made so", "refused in Go by name", []string{"engine/safetensors: TestHeaderFaults", "engine/load: TestHeaderFaultsAreNamed"}, ""},
	{31, "index malformed", "files made so", "refused by name", []string{"engine/safetensors: TestShards"}, ""},
	{32, "last shard cut", "truncated", "refused at opening", []string{"engine/safetensors: TestTruncatedLastShard"}, "a file that shrinks while it is mapped"},
	{55, "progress and time left", "slow hub, a cut, a late hash", "never back, never over, always numbers; verifying is seen and can be ended", []string{"TestProgress", "TestCancelWhileVerifying"}, ""},
	{56, "quit during a download, asked twice", "the process ends; the same repository again", "goes on in the next process; one job", []string{"TestEndOfProcess", "TestQueue"}, "text of 1 MB and markup in answers: the page's tests (frontend/e2e) cause them"},
	{57, "names in other scripts", "home in Chinese, emoji, Arabic", "as any other", []string{"TestNamesOfHomes", "TestOffline"}, ""},
	{58, "sleep and another network", "process stopped, all its connections cut, continued", "goes on by itself", []string{"TestSleep"}, "a real sleep of the machine"},
	{59, "memory short", "memory reported so", "models give way, or are refused", []string{"app/serve: TestBesideIsEndedForMemory", "app/serve: TestRefusals"}, "an out-of-memory of Metal: no Mac here"},
	{60, "engine dies", "its process killed, again and again", "comes back; a loop of crashes stops", []string{"engine/host: TestKilled", "engine/host: TestGiveUp"}, "an error of a Metal command buffer: no Mac here"},
	{61, "clock jumps", "Retry-After far in the past and the future", "a bounded wait", []string{"app/fetch/huggingface: TestWaitTime"}, "setting the clock of the machine; times are measured by Go's monotonic clock"},
	{62, "power cut, SIGKILL, SIGTERM", "power ends before each operation: what was not synced goes, in any part", "what is recorded is there; goes on", []string{"TestPowerCutAtEveryOperation", "TestKilledWhileItRuns", "TestSoak", "app/cli: TestInterrupt"}, ""},
	{63, "read-only volume, few open files", "tmpfs mounted read-only; 64 files", "a reason; goes on", []string{"TestReadOnlyVolume", "TestFewOpenFiles"}, "what a Mac forbids (TCC), and files that iCloud took away: no Mac here"},
}

var update = flag.Bool("update", false, "write the list of faults into docs/downloads.md")

// TestFaultList: every fault of the list has a test that exists, and the docs
// say the same.
func TestFaultList(t *testing.T) {
	var want []int
	for n := 1; n <= 63; n++ {
		if n <= 32 || n >= 55 {
			want = append(want, n)
		}
	}
	var got []int
	var table strings.Builder
	table.WriteString("| | fault | how it is caused | what must come of it | not caused here |\n|---|---|---|---|---|\n")
	for _, f := range faultList {
		got = append(got, f.number)
		if len(f.tests) == 0 {
			t.Errorf("fault %d has no test", f.number)
		}
		for _, name := range f.tests {
			dir, test, other := strings.Cut(name, ": ")
			if !other {
				dir, test = ".", name
			} else {
				dir = filepath.Join("../../..", dir)
			}
			if !declares(t, dir, test) {
				t.Errorf("fault %d: there is no %s in %s", f.number, test, dir)
			}
		}
		fmt.Fprintf(&table, "| %d | %s | %s | %s | %s |\n", f.number, f.name, f.how, f.end, f.open)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list has %v", got)
	}
	const path = "../../../docs/downloads.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- faults -->\n", "<!-- /faults -->"
	before, rest, ok1 := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("docs/downloads.md has no place for the list")
	}
	now := before + begin + table.String() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if now != string(data) {
		t.Error("docs/downloads.md has another list: go test ./app/models/pull -run TestFaultList -update")
	}
}

func declares(t *testing.T, dir, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(`(?m)^func ` + test + `\(t \*testing\.T\)`)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if pattern.Match(data) {
			return true
		}
	}
	return false
}
