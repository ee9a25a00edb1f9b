package spreadsheet

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// The marks that Windows puts in front of a text.
var (
	utf8Mark    = []byte("\xef\xbb\xbf")
	utf16LEMark = []byte("\xff\xfe")
	utf16BEMark = []byte("\xfe\xff")
)

// decode is a file's text in UTF-8, with LF at the end of each line. A text that isn't marked is UTF-8 if it can be:
// what Windows-1252 has beyond ASCII is hardly ever valid UTF-8 by chance.
func decode(data []byte) (string, error) {
	unmarked, marked := bytes.CutPrefix(data, utf8Mark)
	var err error
	switch {
	case bytes.HasPrefix(data, utf16LEMark), bytes.HasPrefix(data, utf16BEMark):
		data, err = convert(data, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM))
	case utf8.Valid(unmarked):
		data = unmarked
	case marked:
		err = &FileError{Code: CodeBadEncoding}
	default:
		data, err = convert(data, charmap.Windows1252)
	}
	if err != nil {
		return "", err
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data)), nil
}

// convert refuses what the encoding doesn't have: five bytes of Windows-1252, and halves of UTF-16's pairs.
func convert(data []byte, from encoding.Encoding) ([]byte, error) {
	text, err := from.NewDecoder().Bytes(data)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return nil, &FileError{Code: CodeBadEncoding, cause: err}
	}
	return text, nil
}
