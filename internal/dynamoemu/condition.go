package dynamoemu

import (
	"slices"
	"strings"
)

// A condition is read from a ConditionExpression or KeyConditionExpression; nil is none and always holds:
//
//	or   = and {OR and}
//	and  = not {AND not}
//	not  = NOT not | "(" or ")" | test
//	test = operand comparator operand
//	     | operand BETWEEN operand AND operand
//	     | attribute_exists "(" attribute ")"
//	     | attribute_not_exists "(" attribute ")"
//	     | begins_with "(" operand "," operand ")"
type condition struct {
	operator  string
	parts     []*condition // of AND, OR and NOT
	operands  []operand    // of a test
	test      test
	bracketed bool
}

// A test is a function or comparator, and holds for some values of its operands.
type test struct {
	operands int
	holds    func(v []value) bool
}

var functions = map[string]test{
	"attribute_exists":     {1, func(v []value) bool { return v[0] != absent }},
	"attribute_not_exists": {1, func(v []value) bool { return v[0] == absent }},
	"begins_with":          {2, func(v []value) bool { return hasPrefix(v[0], v[1]) }},
}

var comparators = map[string]test{
	"=":       {2, func(v []value) bool { return equal(v[0], v[1]) }},
	"<>":      {2, func(v []value) bool { return !equal(v[0], v[1]) }},
	"<":       {2, func(v []value) bool { return inOrder(v[0], v[1], -1) }},
	"<=":      {2, func(v []value) bool { return inOrder(v[0], v[1], -1, 0) }},
	">":       {2, func(v []value) bool { return inOrder(v[0], v[1], 1) }},
	">=":      {2, func(v []value) bool { return inOrder(v[0], v[1], 1, 0) }},
	"BETWEEN": {3, func(v []value) bool { return inOrder(v[0], v[1], 1, 0) && inOrder(v[0], v[2], -1, 0) }},
}

// inOrder says whether compare has one of the results. It is false for values that cannot be compared.
func inOrder(a, b value, results ...int) bool {
	order, ok := compare(a, b)
	return ok && slices.Contains(results, order)
}

func (p *parser) or() *condition {
	c := p.and()
	for p.take("OR") {
		p.countOperator()
		c = &condition{operator: "OR", parts: []*condition{c, p.and()}}
	}
	return c
}

func (p *parser) and() *condition {
	c := p.not()
	for p.take("AND") {
		p.countOperator()
		c = &condition{operator: "AND", parts: []*condition{c, p.not()}}
	}
	return c
}

func (p *parser) not() *condition {
	switch {
	case p.take("NOT"):
		p.countOperator()
		return &condition{operator: "NOT", parts: []*condition{p.not()}}
	case p.take("("):
		c := p.or()
		p.expect(")")
		if c.bracketed {
			p.fail("The expression has redundant parentheses")
		}
		c.bracketed = true
		return c
	}
	return p.test()
}

func (p *parser) test() *condition {
	p.countOperator()
	c := &condition{operator: p.token}
	var isFunction bool
	if c.test, isFunction = functions[c.operator]; isFunction {
		p.next()
		p.expect("(")
		c.operands = p.operands(c.test.operands, ",")
		p.expect(")")
	} else {
		first := p.operand()
		c.operator = strings.ToUpper(p.token)
		if c.test = comparators[c.operator]; c.test.holds == nil {
			p.fail("Syntax error, or more than dynamoemu supports; operator or function: %q", c.operator)
		}
		p.next()
		c.operands = append([]operand{first}, p.operands(c.test.operands-1, "AND")...)
	}
	p.checkOperands(c)
	return c
}

func (p *parser) operands(count int, separator string) []operand {
	all := []operand{p.operand()}
	for len(all) < count {
		p.expect(separator)
		all = append(all, p.operand())
	}
	return all
}

// checkOperands refuses a test that DynamoDB refuses without looking at an item.
func (p *parser) checkOperands(c *condition) {
	for _, o := range c.operands {
		v := o.constant
		fits := v == nil || c.operator == "=" || c.operator == "<>" || len(c.operands) > 1 &&
			(v.S != nil || v.B != nil || v.N != nil && c.operator != "begins_with")
		if !fits {
			p.fail("Incorrect operand type for operator or function; operator or function: %s", c.operator)
		}
	}
	first, others := c.operands[0], c.operands[1:]
	if first.constant == nil && slices.Contains(others, first) {
		p.fail("The first operand must be distinct from the remaining operands; operator: %s", c.operator)
	}
	if c.operator == "BETWEEN" && others[0].constant != nil && others[1].constant != nil {
		if order, ok := compare(*others[0].constant, *others[1].constant); !ok || order > 0 {
			p.fail("The BETWEEN operator requires bounds of one type, the upper one not below the lower one")
		}
	}
}

func (c *condition) holds(it item) bool {
	if c == nil {
		return true
	}
	switch c.operator {
	case "OR":
		return c.parts[0].holds(it) || c.parts[1].holds(it)
	case "AND":
		return c.parts[0].holds(it) && c.parts[1].holds(it)
	case "NOT":
		return !c.parts[0].holds(it)
	}
	values := make([]value, len(c.operands))
	for i, o := range c.operands {
		if values[i] = it[o.attribute]; o.constant != nil {
			values[i] = *o.constant
		}
	}
	return c.test.holds(values)
}

// A keyCondition selects a range of one partition, which begins with the first item not before start.
type keyCondition struct {
	*condition
	start item
}

// keyCondition reads a KeyConditionExpression: an equality of the partition key, and at most one test of the sort
// key, in any order and each with the attribute on the left.
func (p *parser) keyCondition(text string, x *index) (keyCondition, error) {
	k := keyCondition{read(p, "KeyConditionExpression", &text, (*parser).or), item{}}
	if err := p.finish(); err != nil {
		return k, err
	}
	tests := []*condition{k.condition}
	if k.operator == "AND" {
		tests = k.parts
	}
	for _, test := range tests {
		attribute := test.keyAttribute()
		if attribute != "" && test.longestConstant() > x.maxLength(attribute) {
			return k, invalid("One or more parameter values were invalid: the size limit of key %s is exceeded", attribute)
		}
		_, twice := k.start[attribute]
		ofPartition := attribute == x.partitionKey() && test.operator == "="
		if twice || !ofPartition && attribute != x.sortKey() {
			return k, invalid("Invalid KeyConditionExpression, or more than dynamoemu supports; operator: %s", test.operator)
		}
		k.start[attribute] = test.lowest()
	}
	if k.start[x.partitionKey()] == absent {
		return k, invalid("Query condition missed key schema element: %s", x.partitionKey())
	}
	return k, nil
}

// keyAttribute is the attribute that a test compares with values that a key can have, or "".
func (c *condition) keyAttribute() string {
	if len(c.operands) < 2 || c.operator == "<>" {
		return ""
	}
	for _, o := range c.operands[1:] {
		if o.constant == nil || o.constant.S == nil || *o.constant.S == "" {
			return ""
		}
	}
	return c.operands[0].attribute
}

// longestConstant is for a test of a key.
func (c *condition) longestConstant() (n int) {
	for _, o := range c.operands[1:] {
		n = max(n, len(*o.constant.S))
	}
	return n
}

// lowest is the lowest text for which a test of a key can hold.
func (c *condition) lowest() value {
	text := *c.operands[1].constant.S
	switch c.operator {
	case "<", "<=":
		text = ""
	case ">":
		text += "\x00"
	}
	return value{S: &text}
}
