package spreadsheet

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
)

// maxDepth is how deep elements may be nested. Those that matter here lie seven deep.
const maxDepth = 64

// An xmlReader reads the tags and texts of a part. It does not look at namespaces: the two editions of the format,
// Transitional and Strict, have different ones and the same names.
type xmlReader struct {
	part *part
	dec  *xml.Decoder
	path []string // the elements that are open, outermost first, without prefixes
}

func newXMLReader(p *part) *xmlReader { return &xmlReader{part: p, dec: xml.NewDecoder(p)} }

// next is the next xml.StartElement, when path ends with it, xml.EndElement, when path ends with what it stood in, or
// xml.CharData, which is good until the next call. At the end of the part it is io.EOF. Other errors are *FileError.
func (r *xmlReader) next() (xml.Token, error) {
	for {
		if err := r.part.nextToken(); err != nil {
			return nil, err
		}
		// Not Token, which keeps every element that is open, however many.
		token, err := r.dec.RawToken()
		if errors.Is(err, io.EOF) && len(r.path) == 0 {
			return nil, io.EOF
		} else if err != nil {
			return nil, broken(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(r.path) == maxDepth {
				return nil, broken(errors.New("nested too deep"))
			}
			r.path = append(r.path, token.Name.Local)
		case xml.EndElement:
			last := len(r.path) - 1
			if last < 0 || r.path[last] != token.Name.Local {
				return nil, broken(fmt.Errorf("unexpected end of %s", token.Name.Local))
			}
			r.path = r.path[:last]
		case xml.CharData:
		case xml.Directive: // ECMA-376-2 6.2.5: no document types, which define entities
			return nil, broken(errors.New("document type"))
		default:
			continue
		}
		return token, nil
	}
}

// elements calls f with each element of a part, when path ends with it.
func (r *xmlReader) elements(f func(xml.StartElement) error) error {
	for {
		token, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			if err := f(start); err != nil {
				return err
			}
		}
	}
}

// in tells whether these are the elements that are open, outermost first.
func (r *xmlReader) in(path ...string) bool { return slices.Equal(r.path, path) }

// inText tells whether a text at this place belongs to a cell: <t>, also in the runs of a formatted text, but not the
// pronunciation that Japanese Excel adds to it.
func (r *xmlReader) inText() bool {
	return len(r.path) > 0 && r.path[len(r.path)-1] == "t" && !slices.Contains(r.path, "rPh")
}

// attribute is the value of an attribute, by its name without a prefix, or "".
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
