package dynamoemu

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
)

// How long an expression, and a #name or :value may be, in bytes, and how many operators and functions a condition may
// have. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxExpression   = 4096
	maxSubstitution = 255
	maxOperators    = 300
)

// A parser reads the expressions of one request, token by token. Its first error ends an expression; what it returns
// after that is of no use.
type parser struct {
	names  map[string]string
	values item
	used   map[string]bool // of the names and values
	err    error

	operators  int      // of the expression
	expression string   // which of the request's it reads, for errors
	token      string   // a word, a #name, a :value, or a symbol; "" at the end
	rest       []string // the tokens after it
}

var (
	tokenPattern = regexp.MustCompile(`[A-Za-z#:][A-Za-z0-9_]*|<>|<=|>=|[^ \t\r\n]`)
	isWord       = regexp.MustCompile(`^[A-Za-z]`).MatchString
)

func newParser(names map[string]string, values item) *parser {
	p := &parser{names: names, values: values, used: map[string]bool{}}
	if names != nil && len(names) == 0 || values != nil && len(values) == 0 {
		p.err = invalid("ExpressionAttributeNames and ExpressionAttributeValues must not be empty")
	}
	for name, attribute := range names {
		if len(name) > maxSubstitution || len(attribute) > maxName {
			p.err = invalid("ExpressionAttributeNames contains a key or value that is too long")
		}
	}
	for name := range values {
		if len(name) > maxSubstitution {
			p.err = invalid("ExpressionAttributeValues contains a key that is too long")
		}
	}
	return p
}

// finish is called once every expression of the request is read. DynamoDB refuses names and values without use.
func (p *parser) finish() error {
	if p.err == nil && len(p.used) < len(p.names)+len(p.values) {
		return invalid("Some ExpressionAttributeNames or ExpressionAttributeValues are unused; used: %v", p.used)
	}
	return p.err
}

// read reads text, all of it, with a method of the parser. nil is no expression.
func read[T any](p *parser, expression string, text *string, method func(*parser) T) (out T) {
	if text == nil {
		return out
	}
	p.operators, p.expression, p.rest = 0, expression, tokenPattern.FindAllString(*text, -1)
	switch {
	case *text == "":
		p.fail("The expression can not be empty")
	case len(*text) > maxExpression:
		p.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(*text))
	}
	p.next()
	out = method(p)
	if p.token != "" {
		p.failAtToken()
	}
	return out
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid("Invalid "+p.expression+": "+format, args...)
	}
	p.token, p.rest = "", nil
}

func (p *parser) failAtToken() {
	p.fail("Syntax error, or more than dynamoemu supports; token: %q, followed by: %q", p.token, p.rest)
}

// countOperator is called for each operator and function of a condition.
func (p *parser) countOperator() {
	if p.operators++; p.operators > maxOperators {
		p.fail("The expression contains too many operators; operator count: %d", p.operators)
	}
}

func (p *parser) next() {
	p.token = ""
	if len(p.rest) > 0 {
		p.token, p.rest = p.rest[0], p.rest[1:]
	}
}

// take steps over a keyword or symbol, if that is the token. Keywords may be in lower case.
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

func (p *parser) operand() operand {
	if strings.HasPrefix(p.token, ":") {
		v := p.value()
		return operand{constant: &v}
	}
	return operand{attribute: p.attribute()}
}

// value reads a :value.
func (p *parser) value() value {
	v, ok := p.values[p.token]
	if !ok || !strings.HasPrefix(p.token, ":") {
		p.fail("Not a value, or one that is not in ExpressionAttributeValues: %q", p.token)
	}
	p.used[p.token] = true
	p.next()
	return v
}

// attribute reads the name of an attribute, or the #name that stands for one.
func (p *parser) attribute() string {
	name := p.token
	switch {
	case strings.HasPrefix(name, "#"):
		p.used[name] = true
		if name = p.names[name]; name == "" {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", p.token)
		}
	case !isWord(name):
		p.failAtToken()
	default:
		if _, reserved := slices.BinarySearch(reservedWords, strings.ToUpper(name)); reserved {
			p.fail("Attribute name is a reserved keyword; reserved keyword: %s", name)
		}
	}
	p.next()
	return name
}

// reservedWords may not be used in an expression as names of attributes. They are listed, in order, at
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html.
var reservedWords = strings.Fields(reservedWordList)

//go:embed reserved_words.txt
var reservedWordList string
