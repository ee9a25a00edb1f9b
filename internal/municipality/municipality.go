// Package municipality finds out which of Denmark's municipalities a registration belongs to, and which of them are
// missing. It knows the municipalities by municipalities.csv, whose head names the sources.
package municipality

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"strings"
	"sync"
)

// A Municipality is one of the 98 that Denmark has had since 2007.
type Municipality struct {
	Code    string   // of Danmarks Statistik, with four digits: "0751"
	Name    string   // without "Kommune": "Aarhus"
	Region  string   // without "Region": "Midtjylland"
	Domains []string // lower case, the one most in use first
}

// All returns the municipalities in Danish alphabetical order. The slice is the caller's; Domains must not be changed.
func All() []Municipality {
	return append([]Municipality(nil), load().all...)
}

//go:embed municipalities.csv
var data []byte

// load reads the data at the first call, as only one of the functions asks for it.
var load = sync.OnceValue(func() *directory {
	d, err := parse(data)
	if err != nil {
		panic("municipalities.csv: " + err.Error()) // a test parses it
	}
	return d
})

// columns of municipalities.csv. Domains are separated by spaces, spellings by semicolons.
const (
	columnCode = iota
	columnName
	columnRegion
	columnDomains
	columnSpellings
	columnCount
)

// parse refuses two municipalities with the same code, spelling or domain.
func parse(text []byte) (*directory, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comment = '#'
	r.FieldsPerRecord = columnCount
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	d := &directory{byName: map[string]int{}, byLength: map[int][]spelling{}, byDomain: map[string]int{}}
	codes := map[string]bool{}
	for id, row := range rows[1:] {
		m := Municipality{
			Code:    row[columnCode],
			Name:    row[columnName],
			Region:  row[columnRegion],
			Domains: strings.Fields(row[columnDomains]),
		}
		if codes[m.Code] {
			return nil, fmt.Errorf("%s: two have this code", m.Code)
		}
		codes[m.Code] = true
		d.all = append(d.all, m)
		if err := d.add(id, strings.FieldsFunc(m.Name+";"+row[columnSpellings], isSemicolon)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func isSemicolon(r rune) bool { return r == ';' }
