package spreadsheet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"deltag/internal/spreadsheet"
)

// TestReadRefusesBombs reads files that unpack to far more than they are. None may use much memory.
func TestReadRefusesBombs(t *testing.T) {
	tooLarge := spreadsheet.FileError{Code: "xlsx-too-large", Limit: 64}
	broken := spreadsheet.FileError{Code: "broken-xlsx"}
	tooLong := spreadsheet.FileError{Code: "cell-too-long", Line: 1, Column: 1, Cell: "A1", Limit: 32_767}
	megabytes := func(s string, n int) string { return strings.Repeat(s, n<<20/len(s)) }
	blanks := minimal(megabytes(" ", 20) + text) // 1000 to 1
	long := megabytes(noise(1<<15), 3)
	for name, tt := range map[string]struct {
		data []byte
		want spreadsheet.FileError
	}{
		"blanks":                  {blanks.zip(t), tooLarge},
		"blanks, said to be less": {resized(blanks.zip(t), 1000), broken},
		"blanks, said to be more": {resized(blanks.zip(t), 1<<32-2), tooLarge},
		"empty rows":              {minimal(megabytes("<row/>", 8)).zip(t), tooLarge},
		"empty cells":             {minimal("<row>" + megabytes("<c/>", 8) + "</row>").zip(t), broken},
		"empty elements":          {minimal(megabytes("<a/>", 20)).zip(t), tooLarge},
		"one endless name":        {minimal("<" + megabytes("a", 10)).zip(t), tooLarge},
		"one endless text":        {minimal("<row><c><v>" + long + "</v></c></row>").zip(t), tooLong},
		"one endless comment":     {minimal("<!--" + long + "-->").zip(t), tooLarge},
		"a large part beside": {
			minimal(text).with("xl/styles.xml", megabytes("<!--"+noise(1<<14)+"-->", 9)).zip(t), tooLarge,
		},
		"many entries":      {entries(t, 10_001), tooLarge},
		"a zip file within": {file{"_rels/.rels": string(minimal(text).zip(t))}.zip(t), broken},
	} {
		t.Run(name, func(t *testing.T) {
			before := allocated()
			wantRefused(t, tt.data, tt.want)
			t.Logf("%d KB, %d MB allocated", len(tt.data)>>10, (allocated()-before)>>20)
		})
	}
}

// resized writes another unpacked size into the central directory, for every entry above a megabyte.
func resized(data []byte, size uint64) []byte {
	for i := 0; ; i++ {
		next := bytes.Index(data[i:], []byte("PK\x01\x02"))
		if next < 0 {
			return data
		}
		i += next
		if binary.LittleEndian.Uint32(data[i+24:]) > 1<<20 {
			binary.LittleEndian.PutUint32(data[i+24:], uint32(min(size, 1<<32-2)))
		}
	}
}

func entries(t *testing.T, n int) []byte {
	f := minimal(text)
	for i := range n {
		f[fmt.Sprint(i)] = ""
	}
	return f.zip(t)
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
