package web

import (
	"encoding/csv"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"
)

// BeginFile begins an answer that is saved as a file.
func BeginFile(w http.ResponseWriter, contentType, name string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// CSVType is the content type of what NewCSVWriter writes.
const CSVType = "text/csv; charset=utf-8"

// NewCSVWriter begins a table that Danish Excel reads: it splits at semicolons, and recognises UTF-8 by its byte order mark.
// A text that somebody typed belongs in EscapeFormula.
func NewCSVWriter(w io.Writer) *csv.Writer {
	_, _ = io.WriteString(w, "\ufeff") // an error means that the reader is gone
	out := csv.NewWriter(w)
	out.Comma, out.UseCRLF = ';', true
	return out
}

// EscapeFormula keeps Excel from taking a cell for a formula: quotes do not help, an apostrophe in front does. Excel
// looks past leading spaces, takes a cell for a formula also when a tab or a line break is in front, and in some
// languages reads the full-width signs too. Characters that nobody sees may get lost on the way, so they hide no sign.
func EscapeFormula(cell string) string {
	seen := strings.TrimLeftFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	if strings.IndexAny(cell, "\t\r\n") == 0 || strings.IndexAny(seen, "=+-@＝＋－＠") == 0 {
		return "'" + cell
	}
	return cell
}
