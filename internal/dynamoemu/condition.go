package dynamoemu

import (
	"slices"
	"strings"
)

// A condition is read from a ConditionExpression or KeyConditionExpression:
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
	bracketed bool
}

// condition reads a ConditionExpression; nil is none, and always holds.
func (p *placeholders) condition(text *string) (*condition, error) {
	if text == nil {
		return nil, nil
	}
	return parse(p, "ConditionExpression", *text, (*parser).or)
}

func (p *parser) or() *condition {
	c := p.and()
	for p.take("OR") {
		c = &condition{operator: "OR", parts: []*condition{c, p.and()}}
	}
	return c
}

func (p *parser) and() *condition {
	c := p.not()
	for p.take("AND") {
		c = &condition{operator: "AND", parts: []*condition{c, p.not()}}
	}
	return c
}

func (p *parser) not() *condition {
	switch {
	case p.take("NOT"):
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
	c := &condition{operator: p.token}
	if strings.HasPrefix(strings.TrimSpace(p.rest), "(") {
		p.next()
		c.operands = p.arguments(c.operator)
	} else {
		first := p.operand()
		c.operator = strings.ToUpper(p.token)
		p.next()
		c.operands = []operand{first, p.operand()}
		switch c.operator {
		case "BETWEEN":
			p.expect("AND")
			c.operands = append(c.operands, p.operand())
		case "=", "<>", "<", "<=", ">", ">=":
		default:
			p.fail("Syntax error, or more than dynamoemu supports; operator: %q", c.operator)
		}
	}
	p.check(c)
	return c
}

func (p *parser) arguments(function string) []operand {
	p.expect("(")
	all := []operand{p.operand()}
	switch function {
	case "attribute_exists", "attribute_not_exists":
	case "begins_with":
		p.expect(",")
		all = append(all, p.operand())
	default:
		p.fail("Invalid function name, or more than dynamoemu supports; function: %s", function)
	}
	p.expect(")")
	return all
}

// check refuses a test that DynamoDB refuses without looking at an item.
func (p *parser) check(c *condition) {
	for _, o := range c.operands {
		fits := true
		switch v := o.constant; {
		case v == nil, c.operator == "=", c.operator == "<>":
		case c.operator == "attribute_exists", c.operator == "attribute_not_exists":
			fits = false
		case c.operator == "begins_with":
			fits = v.S != nil || v.B != nil
		default:
			fits = v.S != nil || v.N != nil || v.B != nil
		}
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
	case "BETWEEN":
		lower := condition{operator: ">=", operands: c.operands[:2]}
		upper := condition{operator: "<=", operands: []operand{c.operands[0], c.operands[2]}}
		return lower.holds(it) && upper.holds(it)
	}
	a, hasA := c.operands[0].of(it)
	switch c.operator {
	case "attribute_exists":
		return hasA
	case "attribute_not_exists":
		return !hasA
	}
	b, hasB := c.operands[1].of(it)
	switch c.operator {
	case "=":
		return hasA && hasB && equal(a, b)
	case "<>":
		return !hasA || !hasB || !equal(a, b)
	case "begins_with":
		return hasPrefix(a, b)
	}
	order, ok := compare(a, b)
	switch c.operator {
	case "<":
		return ok && order < 0
	case "<=":
		return ok && order <= 0
	case ">":
		return ok && order > 0
	}
	return ok && order >= 0
}

// A keyCondition is what a Query asks for: a range of one partition.
type keyCondition struct {
	partition string
	sortKey   *condition // nil: all of the partition
}

// keyCondition reads a KeyConditionExpression: an equality of the partition key, and at most one test of the sort key.
// Attributes stand on the left.
func (p *placeholders) keyCondition(text string, keys keySchema) (k keyCondition, err error) {
	c, err := parse(p, "KeyConditionExpression", text, (*parser).or)
	if err != nil {
		return k, err
	}
	tests := []*condition{c}
	if c.operator == "AND" {
		tests = c.parts
	}
	for _, test := range tests {
		if !test.suitsKey() {
			return k, invalid("Invalid KeyConditionExpression, or more than dynamoemu supports: %s", test.operator)
		}
		switch name := test.operands[0].attribute; {
		case name == keys.partition && test.operator == "=" && k.partition == "":
			k.partition = *test.operands[1].constant.S
		case name == keys.sort && k.sortKey == nil:
			k.sortKey = test
		default:
			return k, invalid("Invalid KeyConditionExpression: attribute %s, operator %s", name, test.operator)
		}
	}
	if k.partition == "" {
		return k, invalid("Query condition missed key schema element: %s", keys.partition)
	}
	return k, nil
}

// suitsKey says whether a test compares an attribute with what a key can be.
func (c *condition) suitsKey() bool {
	return len(c.operands) > 1 && c.operator != "<>" && c.operands[0].constant == nil &&
		!slices.ContainsFunc(c.operands[1:], func(o operand) bool {
			return o.constant == nil || o.constant.S == nil || *o.constant.S == ""
		})
}

// place says whether an item lies before the range (-1), in it (0) or behind it (1).
func (k keyCondition) place(it item) int {
	if k.sortKey.holds(it) {
		return 0
	}
	switch k.sortKey.operator {
	case "<":
		return 1
	case ">":
		return -1
	}
	order, _ := compare(it[k.sortKey.operands[0].attribute], *k.sortKey.operands[1].constant)
	return order
}
