package spreadsheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"testing"
)

// TestBudget reads a small file with just what it needs, and with less: whole budgets take seconds to use up.
func TestBudget(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, Sheet{Columns: []Column{{Title: "A"}}})
	must(t, err, w.Write([]Cell{Text("x")}), w.Close())
	data := withSharedTexts(t, b.Bytes())

	enough := budget{bytes: 1 << 20, tokens: 1000, texts: 2}
	if _, err := readXLSX(data, enough); err != nil {
		t.Fatal(err)
	}
	for name, left := range map[string]budget{
		"bytes":  {bytes: 500, tokens: 1000, texts: 2},
		"tokens": {bytes: 1 << 20, tokens: 50, texts: 2},
		"texts":  {bytes: 1 << 20, tokens: 1000, texts: 1},
	} {
		_, err := readXLSX(data, left)
		var refused *FileError
		if !errors.As(err, &refused) || refused.Code != CodeUnpacksTooMuch {
			t.Errorf("too few %s: %v", name, err)
		}
	}
}

// withSharedTexts adds two, which nothing names, to a file that we have written.
func withSharedTexts(t *testing.T, data []byte) []byte {
	t.Helper()
	const name = "xl/_rels/workbook.xml.rels"
	added := map[string]string{
		"xl/sharedStrings.xml": `<sst><si><t>a</t></si><si/></sst>`,
		name: `<Relationships><Relationship Id="rId1" Type="/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId3" Type="/sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
	}
	var b bytes.Buffer
	from, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	to := zip.NewWriter(&b)
	for _, f := range from.File {
		if f.Name != name {
			must(t, to.Copy(f))
		}
	}
	for name, content := range added {
		part, err := to.Create(name)
		must(t, err)
		_, err = io.WriteString(part, content)
		must(t, err)
	}
	must(t, to.Close())
	return b.Bytes()
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
