package dynamoemu_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"deltag/internal/dynamoemu"
)

func journal(folder string) string { return filepath.Join(folder, "tables.journal") }

func TestDurability(t *testing.T) {
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

	t.Run("AcrossARestart", func(t *testing.T) {
		folder := t.TempDir()
		s := open(t, folder)
		c := serve(t, s)
		put(t, c, full)
		put(t, c, row{"PK": text("E"), "SK": text("gone")})
		remove(t, c, key("E", "gone"))
		closeServer(t, s)

		s = open(t, folder)
		defer closeServer(t, s)
		c = serve(t, s)
		if diff := cmp.Diff(full, get(t, c, key("E", "all")), ignoreUnexported); diff != "" {
			t.Error(diff)
		}
		if get(t, c, key("E", "gone")) != nil {
			t.Error("what was deleted is back")
		}
		if rows := query(t, c, aws.String("GSI1"), "GSI1PK = :d", row{":d": text("DUE")}); len(rows) != 1 {
			t.Errorf("the index holds %v", rows)
		}
	})

	t.Run("ATornLastRecordIsCutOff", func(t *testing.T) {
		folder := t.TempDir()
		s := open(t, folder)
		put(t, serve(t, s), key("E", "kept"))
		closeServer(t, s)
		whole, err := os.ReadFile(journal(folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, torn := range []string{
			"0", "0badcafe {\"put\":", "0badcafe {\"put\":{}}\n", strings.Repeat("\x00", 4096),
		} {
			if err := os.WriteFile(journal(folder), append(bytes.Clone(whole), torn...), 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, folder)
			c := serve(t, s)
			if get(t, c, key("E", "kept")) == nil {
				t.Errorf("lost before %q", torn)
			}
			put(t, c, key("E", "after"))
			closeServer(t, s)
			s = open(t, folder)
			if get(t, serve(t, s), key("E", "after")) == nil {
				t.Errorf("lost behind %q", torn)
			}
			closeServer(t, s)
		}
	})

	t.Run("DamageInTheMiddleIsAnError", func(t *testing.T) {
		folder := t.TempDir()
		s := open(t, folder)
		put(t, serve(t, s), key("E", "a"))
		closeServer(t, s)
		whole, err := os.ReadFile(journal(folder))
		if err != nil {
			t.Fatal(err)
		}
		whole[len("deltag dynamoemu journal 1\n")+20] ^= 1
		if err := os.WriteFile(journal(folder), whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := dynamoemu.Open(folder); err == nil || !strings.Contains(err.Error(), "damaged at byte 27") {
			t.Errorf("got %v", err)
		}
	})
}

// TestJournalOfAnotherVersion: a file that is not ours is an error, and is left as it is.
func TestJournalOfAnotherVersion(t *testing.T) {
	for _, content := range []string{"", "deltag dynam"} {
		folder := t.TempDir()
		if err := os.WriteFile(journal(folder), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, folder)
		put(t, serve(t, s), key("E", "kept"))
		closeServer(t, s)
		s = open(t, folder)
		if get(t, serve(t, s), key("E", "kept")) == nil {
			t.Errorf("lost behind %q", content)
		}
		closeServer(t, s)
	}
	for _, content := range []string{
		"1c291ca3 {\"drop\":\"table\"}\n", "1c291ca3 {\"drop\"", "deltag dynamoemu journal 2\n", "\n", "SQLite 3\x00",
	} {
		folder := t.TempDir()
		if err := os.WriteFile(journal(folder), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := dynamoemu.Open(folder)
		if err == nil || !strings.Contains(err.Error(), "not a file of this version") {
			t.Errorf("%q: %v", content, err)
		}
		if left, err := os.ReadFile(journal(folder)); err != nil || string(left) != content {
			t.Errorf("%q became %q, %v", content, left, err)
		}
	}
}

var ignoreUnexported = cmpopts.IgnoreUnexported(
	types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{},
	types.AttributeValueMemberBOOL{}, types.AttributeValueMemberNULL{}, types.AttributeValueMemberL{},
	types.AttributeValueMemberM{},
)

// TestErasedDataLeavesTheDisk is about the journal, which remembers more than the table until it is compacted.
func TestErasedDataLeavesTheDisk(t *testing.T) {
	const address = "anna@example.dk"
	folder := t.TempDir()
	s := open(t, folder)
	c := serve(t, s)
	put(t, c, row{"PK": text("E"), "SK": text("replaced"), "Email": text(address)})
	put(t, c, row{"PK": text("E"), "SK": text("replaced")})
	put(t, c, row{"PK": text("E"), "SK": text("deleted"), "Email": text(address)})
	if !onDisk(t, folder, address) {
		t.Fatal("the journal is not where the test looks for it")
	}
	remove(t, c, key("E", "deleted"))
	_ = s.Compact()
	if onDisk(t, folder, address) {
		t.Error("it is still there")
	}
	put(t, c, key("E", "after"))
	closeServer(t, s)
	s = open(t, folder)
	defer closeServer(t, s)
	c = serve(t, s)
	if get(t, c, key("E", "after")) == nil || get(t, c, key("E", "replaced")) == nil {
		t.Error("compacting lost something")
	}
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
