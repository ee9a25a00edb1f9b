package dynamoemu

import (
	_ "embed"
	"slices"
	"strings"
)

// placeholders are what a request's expressions may name. DynamoDB refuses those that no expression uses.
type placeholders struct {
	names  map[string]string
	values item
	used   map[string]bool
}

func newPlaceholders(names map[string]string, values item) (*placeholders, error) {
	if names != nil && len(names) == 0 || values != nil && len(values) == 0 {
		return nil, invalid("ExpressionAttributeNames and ExpressionAttributeValues must not be empty")
	}
	return &placeholders{names: names, values: values, used: map[string]bool{}}, values.check()
}

// checkUsed is called once every expression of the request is read.
func (p *placeholders) checkUsed() error {
	for name := range p.names {
		if !p.used[name] {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", name)
		}
	}
	for name := range p.values {
		if !p.used[name] {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", name)
		}
	}
	return nil
}

// maxExpression is how long an expression may be, in bytes.
const maxExpression = 4096

// A parser reads one expression, token by token. Its first error ends the expression; what it reads after that is of no
// use.
type parser struct {
	*placeholders
	expression string // which of the request's, for errors
	rest       string // what comes after token
	token      string // a word, a #name, a :value, or a symbol; "" at the end
	err        error
}

// parse reads text, all of it, with a method of the parser.
func parse[T any](p *placeholders, expression, text string, read func(*parser) T) (T, error) {
	parser := &parser{placeholders: p, expression: expression, rest: text}
	switch {
	case text == "":
		parser.fail("The expression can not be empty")
	case len(text) > maxExpression:
		parser.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	parser.next()
	out := read(parser)
	if parser.token != "" {
		parser.failAtToken()
	}
	return out, parser.err
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid("Invalid "+p.expression+": "+format, args...)
	}
	p.token, p.rest = "", ""
}

func (p *parser) failAtToken() {
	p.fail("Syntax error, or more than dynamoemu supports; token: %q, near: %.20q", p.token, p.rest)
}

func (p *parser) next() {
	text := strings.TrimLeft(p.rest, " \t\r\n")
	length := min(len(text), 1)
	switch {
	case text == "":
	case isLetter(text[0]), text[0] == '#', text[0] == ':':
		length += len(text[1:]) - len(strings.TrimLeftFunc(text[1:], isWordPart))
	case strings.HasPrefix(text, "<>"), strings.HasPrefix(text, "<="), strings.HasPrefix(text, ">="):
		length = 2
	}
	p.token, p.rest = text[:length], text[length:]
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isWordPart(c rune) bool {
	return c == '_' || '0' <= c && c <= '9' || c < 0x80 && isLetter(byte(c))
}

// take goes on behind a keyword or symbol, if that is the token. Keywords may be in lower case.
func (p *parser) take(token string) bool {
	if !strings.EqualFold(p.token, token) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(token string) {
	if !p.take(token) {
		p.failAtToken()
	}
}

// An operand is an attribute of the item, or a constant. Paths into maps and lists are not supported.
type operand struct {
	attribute string
	constant  *value
}

// of is the operand's value for an item; ok is false if the item has no such attribute.
func (o operand) of(it item) (v value, ok bool) {
	if o.constant != nil {
		return *o.constant, true
	}
	v, ok = it[o.attribute]
	return v, ok
}

func (p *parser) operand() operand {
	if strings.HasPrefix(p.token, ":") {
		v := p.value()
		return operand{constant: &v}
	}
	return operand{attribute: p.attribute()}
}

// value takes a :value.
func (p *parser) value() value {
	v, ok := p.values[p.token]
	switch {
	case !strings.HasPrefix(p.token, ":"):
		p.failAtToken()
	case !ok:
		p.fail("An expression attribute value used in expression is not defined; attribute value: %s", p.token)
	}
	p.used[p.token] = true
	p.next()
	return v
}

// attribute takes the name of an attribute, or the #name that stands for one.
func (p *parser) attribute() string {
	name := p.token
	switch {
	case strings.HasPrefix(name, "#"):
		p.used[name] = true
		if name = p.names[name]; name == "" {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", p.token)
		}
	case name == "" || !isLetter(name[0]):
		p.failAtToken()
	default:
		if _, reserved := slices.BinarySearch(reservedWords, strings.ToUpper(name)); reserved {
			p.fail("Attribute name is a reserved keyword; reserved keyword: %s", name)
		}
	}
	p.next()
	return name
}

// reservedWords may not stand in an expression as the name of an attribute. They are listed, in order, at
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html.
var reservedWords = strings.Fields(reservedWordList)

//go:embed reserved_words.txt
var reservedWordList string
