package dynamoemu_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"deltag/internal/dynamoemu"
)

const header = "deltag dynamoemu journal 1\n"

func journal(folder string) string { return filepath.Join(folder, "tables.journal") }

func readJournal(t *testing.T, folder string) []byte {
	t.Helper()
	content, err := os.ReadFile(journal(folder))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func writeJournal(t *testing.T, folder string, content []byte) {
	t.Helper()
	if err := os.WriteFile(journal(folder), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// putInFolder puts rows into the table of a folder.
func putInFolder(t *testing.T, folder string, rows ...row) {
	t.Helper()
	useFolder(t, folder, func(_ *dynamoemu.Server, c *dynamodb.Client) {
		for _, it := range rows {
			put(t, c, it)
		}
	})
}

// checkFolder checks which sort keys the table of a folder has in the partition E.
func checkFolder(t *testing.T, folder string, want ...string) {
	t.Helper()
	useFolder(t, folder, func(_ *dynamoemu.Server, c *dynamodb.Client) {
		var got []string
		for _, it := range query(t, c, nil, "PK = :e", row{":e": text("E")}) {
			got = append(got, it["SK"].(*types.AttributeValueMemberS).Value)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rows (-want +got)\n%s", diff)
		}
	})
}

func TestRowsSurviveARestart(t *testing.T) {
	list := &types.AttributeValueMemberL{Value: []types.AttributeValue{text("a"), number(-1)}}
	full := row{
		"PK": text("E"), "SK": text("all"), "GSI1PK": text("DUE"), "GSI1SK": text("1"), "Empty": text(""),
		"Yes":       &types.AttributeValueMemberBOOL{Value: true},
		"None":      &types.AttributeValueMemberNULL{Value: true},
		"EmptyList": &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
		"Bytes":     &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"Danish":    text("æøå\n\u2028"),
		"Map":       &types.AttributeValueMemberM{Value: row{"List": list}},
	}
	folder := t.TempDir()
	useFolder(t, folder, func(_ *dynamoemu.Server, c *dynamodb.Client) {
		put(t, c, full)
		put(t, c, key("E", "gone"))
		remove(t, c, key("E", "gone"))
	})
	useFolder(t, folder, func(_ *dynamoemu.Server, c *dynamodb.Client) {
		if diff := cmp.Diff(full, get(t, c, key("E", "all")), ignoreUnexported); diff != "" {
			t.Error(diff)
		}
		if rows := query(t, c, aws.String("GSI1"), "GSI1PK = :d", row{":d": text("DUE")}); len(rows) != 1 {
			t.Errorf("the index holds %v", rows)
		}
	})
	checkFolder(t, folder, "all")
}

var ignoreUnexported = cmpopts.IgnoreUnexported(
	types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{},
	types.AttributeValueMemberBOOL{}, types.AttributeValueMemberNULL{}, types.AttributeValueMemberL{},
	types.AttributeValueMemberM{},
)

func TestATornEndIsCutOff(t *testing.T) {
	folder := t.TempDir()
	putInFolder(t, folder, key("E", "whole"))
	whole := readJournal(t, folder)
	for _, torn := range []string{
		"0", "0badcafe {\"put\":", "0badcafe {\"put\":{}}\n", strings.Repeat("\x00", 4096),
	} {
		writeJournal(t, folder, append(bytes.Clone(whole), torn...))
		putInFolder(t, folder, key("E", "after"))
		checkFolder(t, folder, "after", "whole")
	}
	for _, torn := range []string{"", "deltag dynam"} {
		writeJournal(t, folder, []byte(torn))
		putInFolder(t, folder, key("E", "after"))
		checkFolder(t, folder, "after")
	}
}

// TestOpenRefuses also checks that the file is left as it is.
func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	putInFolder(t, folder, key("E", "a"))
	damaged := readJournal(t, folder)
	damaged[len(header)+20] ^= 1
	const another = "not a file of this version"
	for content, want := range map[string]string{
		string(damaged):                   "damaged at byte 27",
		"1c291ca3 {\"drop\":\"table\"}\n": another, "1c291ca3 {\"drop\"": another,
		"deltag dynamoemu journal 2\n": another, "\n": another, "SQLite 3\x00": another,
	} {
		writeJournal(t, folder, []byte(content))
		if _, err := dynamoemu.Open(folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", content, err)
		}
		if left := readJournal(t, folder); string(left) != content {
			t.Errorf("%.40q became %.40q", content, left)
		}
	}
}

// TestErasedDataLeavesTheDisk is about the journal, which has more than the table until it is compacted.
func TestErasedDataLeavesTheDisk(t *testing.T) {
	const address = "anna@example.dk"
	withAddress := func(sk string) row { return row{"PK": text("E"), "SK": text(sk), "Email": text(address)} }
	folder := t.TempDir()
	useFolder(t, folder, func(s *dynamoemu.Server, c *dynamodb.Client) {
		put(t, c, withAddress("replaced"))
		put(t, c, key("E", "replaced"))
		put(t, c, withAddress("deleted"))
		if !onDisk(t, folder, address) {
			t.Fatal("the journal is not where the test expects it")
		}
		remove(t, c, key("E", "deleted"))
		if err := s.Compact(); err != nil || onDisk(t, folder, address) {
			t.Errorf("it is still there: %v", err)
		}
		put(t, c, key("E", "after"))
	})
	checkFolder(t, folder, "after", "replaced")
}

func onDisk(t *testing.T, folder, what string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(what)) {
			return true
		}
	}
	return false
}
