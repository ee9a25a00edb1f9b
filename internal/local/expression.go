package local

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/truora/minidyn/interpreter/language"
)

// Expressions are parsed by minidyn. They are evaluated here: minidyn's own evaluator leaves removed attributes in
// place, assigns one after the other instead of at once, and counts in floating point.

// placeholders are what a request's expressions may name. DynamoDB refuses those that no expression uses.
type placeholders struct {
	names  map[string]string
	values item
	used   map[string]bool
}

func newPlaceholders(names map[string]string, values item) (*placeholders, error) {
	if err := values.check(); err != nil {
		return nil, err
	}
	return &placeholders{names: names, values: values, used: map[string]bool{}}, nil
}

// allUsed is called once every expression of the request is compiled.
func (p *placeholders) allUsed() error {
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

type (
	predicate func(item) bool
	operand   func(item) (value, bool) // false: there is no such attribute
)

func always(item) bool { return true }

func parseCondition(text string) (language.Expression, error) {
	// In brackets, because the parser takes what comes before the last of several expressions as if it were not there.
	parser := language.NewParser(language.NewLexer("(" + text + ")"))
	root := parser.ParseConditionalExpression()
	if faults := parser.Errors(); len(faults) > 0 || root.Expression == nil {
		return nil, invalid("Invalid expression: Syntax error: %s", strings.Join(faults, "; "))
	}
	return root.Expression, nil
}

// condition compiles a ConditionExpression or FilterExpression; "" always holds.
func (p *placeholders) condition(text string) (predicate, error) {
	if text == "" {
		return always, nil
	}
	node, err := parseCondition(text)
	if err != nil {
		return nil, err
	}
	return p.predicate(node)
}

func (p *placeholders) predicate(node language.Expression) (predicate, error) {
	switch n := node.(type) {
	case *language.PrefixExpression:
		inner, err := p.predicate(n.Right)
		return func(it item) bool { return !inner(it) }, err
	case *language.InfixExpression:
		if n.Operator == language.AND || n.Operator == language.OR {
			return p.junction(n)
		}
		return p.comparison(n)
	case *language.BetweenExpression:
		return p.between(n)
	case *language.InExpression:
		return p.in(n)
	case *language.CallExpression:
		return p.test(n)
	}
	return nil, invalid("Invalid expression: Syntax error: a condition is expected")
}

func (p *placeholders) junction(n *language.InfixExpression) (predicate, error) {
	left, err := p.predicate(n.Left)
	if err != nil {
		return nil, err
	}
	right, err := p.predicate(n.Right)
	if err != nil {
		return nil, err
	}
	if n.Operator == language.AND {
		return func(it item) bool { return left(it) && right(it) }, nil
	}
	return func(it item) bool { return left(it) || right(it) }, nil
}

func (p *placeholders) comparison(n *language.InfixExpression) (predicate, error) {
	operands, err := p.operands(n.Left, n.Right)
	if err != nil {
		return nil, err
	}
	return func(it item) bool {
		a, hasA := operands[0](it)
		b, hasB := operands[1](it)
		if !hasA || !hasB {
			return n.Operator == language.NotEQ
		}
		return compared(n.Operator, a, b)
	}, nil
}

func compared(operator string, a, b value) bool {
	switch operator {
	case language.EQ:
		return equal(a, b)
	case language.NotEQ:
		return !equal(a, b)
	}
	order, ok := compare(a, b)
	return ok && ordered(operator, order)
}

func ordered(operator string, order int) bool {
	switch operator {
	case language.LT:
		return order < 0
	case language.LTE:
		return order <= 0
	case language.GT:
		return order > 0
	case language.GTE:
		return order >= 0
	}
	return order == 0
}

func (p *placeholders) between(n *language.BetweenExpression) (predicate, error) {
	operands, err := p.operands(n.Left, n.Range[0], n.Range[1])
	if err != nil {
		return nil, err
	}
	return func(it item) bool {
		v, hasV := operands[0](it)
		low, hasLow := operands[1](it)
		high, hasHigh := operands[2](it)
		return hasV && hasLow && hasHigh && compared(language.GTE, v, low) && compared(language.LTE, v, high)
	}, nil
}

func (p *placeholders) in(n *language.InExpression) (predicate, error) {
	operands, err := p.operands(append([]language.Expression{n.Left}, n.Range...)...)
	if err != nil {
		return nil, err
	}
	return func(it item) bool {
		v, ok := operands[0](it)
		return ok && slices.ContainsFunc(operands[1:], func(o operand) bool {
			other, ok := o(it)
			return ok && equal(v, other)
		})
	}, nil
}

// test compiles a function that answers yes or no.
func (p *placeholders) test(n *language.CallExpression) (predicate, error) {
	name := n.Function.String()
	arity := map[string]int{"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}[name]
	if arity == 0 || arity != len(n.Arguments) {
		return nil, invalid("Invalid expression: Invalid function name or number of operands; function: %s", name)
	}
	if arity == 1 {
		at, err := p.path(n.Arguments[0])
		return func(it item) bool {
			_, ok := at.in(it)
			return ok == (name == "attribute_exists")
		}, err
	}
	operands, err := p.operands(n.Arguments...)
	if err != nil {
		return nil, err
	}
	if v, ok := p.values[n.Arguments[1].String()]; ok && name == "begins_with" && v.S == nil && v.B == nil {
		return nil, invalid("Invalid expression: Incorrect operand type for operator or function; operator or function: begins_with")
	}
	holds := map[string]func(a, b value) bool{"attribute_type": hasType, "begins_with": beginsWith, "contains": contains}[name]
	return func(it item) bool {
		a, hasA := operands[0](it)
		b, hasB := operands[1](it)
		return hasA && hasB && holds(a, b)
	}, nil
}

func hasType(v, name value) bool { return name.S != nil && v.kind() == *name.S }

func beginsWith(v, prefix value) bool {
	switch {
	case v.S != nil && prefix.S != nil:
		return strings.HasPrefix(*v.S, *prefix.S)
	case v.B != nil && prefix.B != nil:
		return bytes.HasPrefix(*v.B, *prefix.B)
	}
	return false
}

func contains(v, part value) bool {
	switch {
	case v.S != nil && part.S != nil:
		return strings.Contains(*v.S, *part.S)
	case v.B != nil && part.B != nil:
		return bytes.Contains(*v.B, *part.B)
	case v.L != nil:
		return slices.ContainsFunc(*v.L, func(e value) bool { return equal(e, part) })
	case v.SS != nil && part.S != nil:
		return slices.Contains(*v.SS, *part.S)
	case v.NS != nil && part.N != nil:
		return slices.Contains(*v.NS, *part.N)
	case v.BS != nil && part.B != nil:
		return slices.ContainsFunc(*v.BS, func(b []byte) bool { return bytes.Equal(b, *part.B) })
	}
	return false
}

func (p *placeholders) operands(nodes ...language.Expression) ([]operand, error) {
	all := make([]operand, len(nodes))
	for i, n := range nodes {
		var err error
		if all[i], err = p.operand(n); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (p *placeholders) operand(node language.Expression) (operand, error) {
	switch n := node.(type) {
	case *language.Identifier:
		if strings.HasPrefix(n.Value, ":") {
			v, err := p.value(n.Value)
			return func(item) (value, bool) { return v, true }, err
		}
	case *language.CallExpression:
		return p.sizeOf(n)
	}
	path, err := p.path(node)
	return path.in, err
}

func (p *placeholders) sizeOf(n *language.CallExpression) (operand, error) {
	if n.Function.String() != "size" || len(n.Arguments) != 1 {
		return nil, invalid("Invalid expression: The function is not allowed to be used this way; function: %s", n.Function.String())
	}
	inner, err := p.operand(n.Arguments[0])
	if err != nil {
		return nil, err
	}
	return func(it item) (value, bool) {
		v, ok := inner(it)
		if !ok {
			return value{}, false
		}
		length, ok := v.length()
		text := strconv.Itoa(length)
		return value{N: &text}, ok
	}, nil
}

func (p *placeholders) value(name string) (value, error) {
	v, ok := p.values[name]
	if !ok {
		return value{}, invalid("Invalid expression: An expression attribute value used in expression is not defined; attribute value: %s", name)
	}
	p.used[name] = true
	return v, nil
}

// A path leads to an attribute, or into a map or list.
type path []step

// A step is an attribute's or map key's name, or, with an empty name, a place in a list.
type step struct {
	name  string
	index int
}

func (p *placeholders) path(node language.Expression) (path, error) {
	switch n := node.(type) {
	case *language.Identifier:
		name, err := p.name(n.Value)
		return path{{name: name}}, err
	case *language.IndexExpression:
		front, err := p.path(n.Left)
		if err != nil {
			return nil, err
		}
		if n.Type == language.ObjectTypeList {
			index, err := strconv.ParseUint(n.Index.String(), 10, 16)
			if err != nil {
				return nil, invalid("Invalid expression: Syntax error: %s is no place in a list", n.Index.String())
			}
			return append(front, step{index: int(index)}), nil
		}
		name, err := p.name(n.Index.String())
		return append(front, step{name: name}), err
	}
	return nil, invalid("Invalid expression: Syntax error: an attribute is expected")
}

func (p *placeholders) name(text string) (string, error) {
	if strings.HasPrefix(text, ":") {
		return "", invalid("Invalid expression: Syntax error: %s is no attribute", text)
	}
	if strings.HasPrefix(text, "#") {
		name, ok := p.names[text]
		if !ok {
			return "", invalid("Invalid expression: An expression attribute name used in the document path is not defined; attribute name: %s", text)
		}
		p.used[text] = true
		return name, nil
	}
	if language.IsReservedWord(strings.ToUpper(text)) {
		return "", invalid("Invalid expression: Attribute name is a reserved keyword; reserved keyword: %s", text)
	}
	return text, nil
}

func (at path) root() string { return at[0].name }

func (at path) in(it item) (value, bool) {
	v, ok := it[at.root()]
	for _, s := range at[1:] {
		if !ok {
			break
		}
		v, ok = s.in(v)
	}
	return v, ok
}

func (s step) in(v value) (value, bool) {
	switch {
	case s.name != "" && v.M != nil:
		inner, ok := (*v.M)[s.name]
		return inner, ok
	case s.name == "" && v.L != nil && s.index < len(*v.L):
		return (*v.L)[s.index], true
	}
	return value{}, false
}

// projection compiles a ProjectionExpression; "" keeps everything. Only paths through maps are supported.
func (p *placeholders) projection(text string) (func(item) item, error) {
	if text == "" {
		return func(it item) item { return it }, nil
	}
	parser := language.NewParser(language.NewLexer(text))
	nodes := parser.ParseProjectionExpression()
	if faults := parser.Errors(); len(faults) > 0 {
		return nil, invalid("Invalid ProjectionExpression: Syntax error: %s", strings.Join(faults, "; "))
	}
	paths := make([]path, len(nodes))
	for i, n := range nodes {
		var err error
		if paths[i], err = p.path(n); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(paths[i], func(s step) bool { return s.name == "" }) {
			return nil, invalid("Invalid ProjectionExpression: places in lists are not supported by the local engine")
		}
	}
	return func(it item) item { return project(it, paths) }, nil
}

func project(it item, paths []path) item {
	kept := item{}
	for _, at := range paths {
		v, ok := at.in(it)
		if !ok {
			continue
		}
		in := kept
		for _, s := range at[:len(at)-1] {
			if in[s.name].M == nil {
				in[s.name] = value{M: &item{}}
			}
			in = *in[s.name].M
		}
		in[at[len(at)-1].name] = v
	}
	return kept
}

// interval is a stretch of a sorted order: it says whether a value lies before it (-1), in it (0) or behind it (1).
type interval func(value) int

func everything(value) int { return 0 }

// keyCondition compiles a KeyConditionExpression: the partition, and the stretch of it.
func (p *placeholders) keyCondition(text string, keys keySchema) (value, interval, error) {
	node, err := parseCondition(text)
	if err != nil {
		return value{}, nil, err
	}
	terms := []language.Expression{node}
	if both, ok := node.(*language.InfixExpression); ok && both.Operator == language.AND {
		terms = []language.Expression{both.Left, both.Right}
	}
	var partition *value
	stretch := interval(everything)
	for _, term := range terms {
		name, in, err := p.keyTerm(term)
		switch {
		case err != nil:
			return value{}, nil, err
		case name == keys.hash.name && in.equals != nil && in.kind == keys.hash.kind:
			partition = in.equals
		case name == keys.sort.name && in.kind == keys.sort.kind:
			stretch = in.interval
		default:
			return value{}, nil, invalid("Query condition missed key schema element: %s", keys.hash.name)
		}
	}
	if partition == nil {
		return value{}, nil, invalid("Query condition missed key schema element: %s", keys.hash.name)
	}
	return *partition, stretch, nil
}

type keyTerm struct {
	equals *value // when the term is an equality
	kind   string // of its bounds
	interval
}

func (p *placeholders) keyTerm(node language.Expression) (name string, term keyTerm, err error) {
	var operands []language.Expression
	operator := ""
	switch n := node.(type) {
	case *language.InfixExpression:
		operator, operands = n.Operator, []language.Expression{n.Left, n.Right}
	case *language.BetweenExpression:
		operator, operands = "BETWEEN", []language.Expression{n.Left, n.Range[0], n.Range[1]}
	case *language.CallExpression:
		operator, operands = n.Function.String(), n.Arguments
	}
	if len(operands) < 2 {
		return "", keyTerm{}, invalid("Invalid KeyConditionExpression: Syntax error")
	}
	at, err := p.path(operands[0])
	if err != nil {
		return "", keyTerm{}, err
	}
	bounds := make([]value, len(operands)-1)
	for i, o := range operands[1:] {
		if bounds[i], err = p.value(o.String()); err != nil {
			return "", keyTerm{}, err
		}
	}
	if bounds[0].kind() != bounds[len(bounds)-1].kind() {
		return "", keyTerm{}, invalid("Invalid KeyConditionExpression: The BETWEEN operator requires same data type for lower and upper bounds")
	}
	term, err = newKeyTerm(operator, bounds)
	term.kind = bounds[0].kind()
	return at.root(), term, err
}

func newKeyTerm(operator string, bounds []value) (keyTerm, error) {
	first := bounds[0]
	to := func(v value) int { // v's place relative to the first bound
		order, _ := compare(v, first)
		return order
	}
	switch operator {
	case language.EQ:
		return keyTerm{equals: &first, interval: to}, nil
	case language.LT:
		return keyTerm{interval: func(v value) int { return max(to(v)+1, 0) }}, nil
	case language.LTE:
		return keyTerm{interval: func(v value) int { return max(to(v), 0) }}, nil
	case language.GT:
		return keyTerm{interval: func(v value) int { return min(to(v)-1, 0) }}, nil
	case language.GTE:
		return keyTerm{interval: func(v value) int { return min(to(v), 0) }}, nil
	case "BETWEEN":
		return keyTerm{interval: func(v value) int {
			if behind, _ := compare(v, bounds[1]); behind > 0 {
				return 1
			}
			return min(to(v), 0)
		}}, nil
	case "begins_with":
		return keyTerm{interval: func(v value) int {
			if beginsWith(v, first) {
				return 0
			}
			return to(v)
		}}, nil
	}
	return keyTerm{}, invalid("Invalid operator used in KeyConditionExpression: %s", operator)
}
