package spreadsheet_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"deltag/internal/spreadsheet"
)

// writePeople writes a file of 15 columns, and returns the most memory that was in use meanwhile, in bytes.
func writePeople(t testing.TB, to io.Writer, people int) uint64 {
	t.Helper()
	runtime.GC()
	before := inUse()
	peak := before
	w, err := spreadsheet.NewWriter(to, spreadsheet.Sheet{
		Name: "Samskabelse", Zone: copenhagen, Yes: "ja", No: "nej",
		Columns: columns("Navn", "E-mail", "Organisation", "Rolle", "Status", "Tilmeldt", "Deltog", "Mail", "Nyt",
			"1", "2", "3", "4", "5", "Andet"),
	})
	must(t, err)
	at := time.Date(2026, time.November, 1, 8, 0, 0, 0, time.UTC)
	cells := make([]spreadsheet.Cell, 15)
	for i := range people {
		cells = append(cells[:0],
			spreadsheet.Text(fmt.Sprintf("Mette Ærø %d", i)),
			spreadsheet.Text(fmt.Sprintf("mette%d@kommune%d.example.dk", i, i%98)),
			spreadsheet.Text(fmt.Sprintf("Kommune %d", i%98)),
			spreadsheet.Text("Fagspecialist"),
			spreadsheet.Text("tilmeldt"),
			spreadsheet.Time(at.Add(time.Duration(i)*time.Second)),
			spreadsheet.Time(time.Time{}),
			spreadsheet.Text("ok"),
			spreadsheet.YesNo(i%2 == 0),
		)
		for question := range 5 {
			answer := fmt.Sprintf("Svar nummer %d på spørgsmål %d", i*7919%1000, question)
			cells = append(cells, spreadsheet.Text(answer))
		}
		must(t, w.Write(append(cells, spreadsheet.Text("+45 12 34 56 78"))))
		if i%1000 == 0 {
			peak = max(peak, inUse())
		}
	}
	must(t, w.Close())
	return max(peak, inUse()) - before
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// TestWriterKeepsNothing writes many people in little memory, as the file goes out while it is written.
func TestWriterKeepsNothing(t *testing.T) {
	const people, limit = 10_000, 8 << 20
	if peak := writePeople(t, io.Discard, people); peak > limit {
		t.Errorf("%d people take %d MB", people, peak>>20)
	}
}

// BenchmarkWrite: 10,000 people may take a second of one core, and 64 MB.
func BenchmarkWrite(b *testing.B) {
	for _, people := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			b.ReportAllocs()
			var peak uint64
			for b.Loop() {
				peak = max(peak, writePeople(b, io.Discard, people))
			}
			b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
		})
	}
}

// BenchmarkRead reads the longest list that is taken: as XLSX of 15 columns, and as CSV of three.
func BenchmarkRead(b *testing.B) {
	var xlsx bytes.Buffer
	writePeople(b, &xlsx, spreadsheet.MaxRows)
	var csv bytes.Buffer
	csv.WriteString("Navn;E-mail;Organisation\n")
	for i := range spreadsheet.MaxRows {
		fmt.Fprintf(&csv, "Mette Ærø %d;mette%d@kommune%d.example.dk;Kommune %d\n", i, i, i%98, i%98)
	}
	for name, data := range map[string][]byte{"xlsx": xlsx.Bytes(), "csv": csv.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if table, err := spreadsheet.Read(data); err != nil || len(table.Rows) != spreadsheet.MaxRows {
					b.Fatal(len(table.Rows), err)
				}
			}
			b.ReportMetric(float64(len(data))/(1<<20), "MiB-file")
		})
	}
}
