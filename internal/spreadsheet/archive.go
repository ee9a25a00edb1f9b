package spreadsheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"io"
	"path"
	"strings"
)

// Limits of what an XLSX file may unpack to, against files that are made to use up memory or time.
const (
	maxPart        = 8 << 20 // bytes in a part other than sheets and their texts
	maxRatio       = 100     // of unpacked to packed, as in Apache POI; people's files have less than 30
	ratioBegins    = 1 << 20 // bytes of a part from which on the ratio counts
	maxEntries     = 10_000  // files in the archive
	maxToken       = 1 << 20 // bytes in one tag, or text between tags: a cell has less, also where all is escaped
	encryptedEntry = 1       // in the flags of an entry: APPNOTE.TXT 4.4.4
)

// A budget is what may still be read of a file, in all parts together.
type budget struct {
	bytes  int64 // unpacked
	tokens int   // tags, and texts between them
	texts  int   // that are shared
}

// maxUnpacked is in bytes. 20,000 rows of 15 columns have some 20 MB and two million tokens, and 300,000 texts at most.
const maxUnpacked = 64 << 20

var wholeBudget = budget{bytes: maxUnpacked, tokens: 6 << 20, texts: 500_000}

func unpacksTooMuch() error { return &FileError{Code: CodeUnpacksTooMuch, Limit: maxUnpacked >> 20} }

// An archive is the zip file that an XLSX file is.
type archive struct {
	entries map[string]*zip.File // by name, in lower case: names of parts differ in more than case (ECMA-376-2 6.2.2)
	left    budget
}

func openArchive(data []byte, left budget) (*archive, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, broken(err)
	}
	if len(z.File) > maxEntries {
		return nil, unpacksTooMuch()
	}
	a := &archive{entries: make(map[string]*zip.File, len(z.File)), left: left}
	for _, f := range z.File {
		if f.Flags&encryptedEntry != 0 {
			return nil, &FileError{Code: CodeEncrypted}
		}
		a.entries[partName(f.Name)] = f
	}
	return a, nil
}

// partName is the key of a part. Some programs write names with backslashes, or from the root.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Clean(strings.ReplaceAll(name, `\`, "/")), "/"))
}

func (a *archive) has(name string) bool { return a.entries[partName(name)] != nil }

// open opens a part of at most so many bytes. A part that doesn't exist makes the file a broken one.
func (a *archive) open(name string, limit int64) (*part, error) {
	f := a.entries[partName(name)]
	if f == nil {
		return nil, broken(errors.New("no part " + name))
	}
	unpacked, err := f.Open()
	if err != nil {
		return nil, broken(err)
	}
	counted := &countingReader{in: unpacked, packed: int64(f.CompressedSize64), limit: limit, left: &a.left.bytes}
	return &part{in: bufio.NewReader(counted), tokens: &a.left.tokens, close: unpacked.Close}, nil
}

// A countingReader believes nothing that the archive says of sizes, and fails above the limits. What it takes for the
// packed size may be a lie too, which a single ratio doesn't find out, and the limits do.
type countingReader struct {
	in     io.Reader
	packed int64
	limit  int64
	read   int64
	left   *int64 // of all parts
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.read += int64(n)
	*r.left -= int64(n)
	if *r.left < 0 || r.read > r.limit || r.read > ratioBegins && r.read/maxRatio > r.packed {
		return 0, unpacksTooMuch()
	}
	return n, err
}

// A part is a part's content, of which a decoder may take at most maxToken bytes at a time.
type part struct {
	in     *bufio.Reader
	token  int  // bytes since nextToken
	tokens *int // of the archive
	close  func() error
}

func (p *part) nextToken() error {
	p.token = 0
	if *p.tokens--; *p.tokens < 0 {
		return unpacksTooMuch()
	}
	return nil
}

func (p *part) ReadByte() (byte, error) {
	if p.token++; p.token > maxToken {
		return 0, unpacksTooMuch()
	}
	return p.in.ReadByte()
}

// Read is there for xml.NewDecoder, which takes an io.Reader, and reads by ReadByte from one that has it.
func (p *part) Read(b []byte) (int, error) {
	c, err := p.ReadByte()
	if err != nil || len(b) == 0 {
		return 0, err
	}
	b[0] = c
	return 1, nil
}

// broken is the FileError for a fault in what the file is made of, or the one that err is.
func broken(err error) error {
	var known *FileError
	if errors.As(err, &known) {
		return known
	}
	if errors.Is(err, io.EOF) { // which would say that all is well
		err = io.ErrUnexpectedEOF
	}
	return &FileError{Code: CodeBrokenXLSX, cause: err}
}
