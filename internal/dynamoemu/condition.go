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
	bracketed bool
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
	switch c.operator {
	case "attribute_exists", "attribute_not_exists":
		p.next()
		p.expect("(")
		c.operands = []operand{{attribute: p.attribute()}}
		p.expect(")")
	case "begins_with":
		p.next()
		p.expect("(")
		c.operands = []operand{p.operand()}
		p.expect(",")
		c.operands = append(c.operands, p.operand())
		p.expect(")")
	default:
		c.operands = []operand{p.operand()}
		c.operator = strings.ToUpper(p.token)
		p.next()
		c.operands = append(c.operands, p.operand())
		switch c.operator {
		case "BETWEEN":
			p.expect("AND")
			c.operands = append(c.operands, p.operand())
		case "=", "<>":
		default:
			if comparators[c.operator] == nil {
				p.fail("Syntax error, or more than dynamoemu supports; operator or function: %q", c.operator)
			}
		}
	}
	p.checkOperands(c)
	return c
}

// checkOperands refuses a test that DynamoDB refuses without looking at an item.
func (p *parser) checkOperands(c *condition) {
	for _, o := range c.operands {
		v := o.constant
		if v == nil || c.operator == "=" || c.operator == "<>" {
			continue
		}
		if v.S == nil && v.B == nil && (v.N == nil || c.operator == "begins_with") {
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
	var values [3]value
	for i, o := range c.operands {
		values[i] = o.of(it)
	}
	switch a := values[0]; c.operator {
	case "attribute_exists":
		return a != absent
	case "attribute_not_exists":
		return a == absent
	case "begins_with":
		return hasPrefix(a, values[1])
	case "=":
		return equal(a, values[1])
	case "<>":
		return !equal(a, values[1])
	case "BETWEEN":
		return inOrder(a, ">=", values[1]) && inOrder(a, "<=", values[2])
	default:
		return inOrder(a, c.operator, values[1])
	}
}

// comparators are the operators on values that can be ordered, with the results of compare for which they hold.
var comparators = map[string][]int{"<": {-1}, "<=": {-1, 0}, ">": {1}, ">=": {0, 1}}

// inOrder is false for values of types that cannot be compared.
func inOrder(a value, comparator string, b value) bool {
	order, ok := compare(a, b)
	return ok && slices.Contains(comparators[comparator], order)
}

// A keyCondition selects a range of one partition.
type keyCondition struct {
	partitionKey, partition string
	sortKey                 *condition // nil: all of the partition
}

// keyCondition reads a KeyConditionExpression: an equality of the partition key, and at most one test of the sort
// key, in any order and each with the attribute on the left.
func (p *parser) keyCondition(text string, x *index) (keyCondition, error) {
	k := keyCondition{partitionKey: x.partitionKey()}
	c := read(p, "KeyConditionExpression", &text, (*parser).or)
	if err := p.finish(); err != nil {
		return k, err
	}
	tests := []*condition{c}
	if c.operator == "AND" {
		tests = c.parts
	}
	for _, test := range tests {
		switch attribute := test.keyAttribute(); {
		case attribute == k.partitionKey && test.operator == "=" && k.partition == "":
			k.partition = *test.operands[1].constant.S
		case attribute == x.sortKey() && k.sortKey == nil:
			k.sortKey = test
		default:
			return k, invalid("Invalid KeyConditionExpression, or more than dynamoemu supports; operator: %s", test.operator)
		}
	}
	if k.partition == "" {
		return k, invalid("Query condition missed key schema element: %s", k.partitionKey)
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

// compare says whether an item is below the range (-1), in it (0) or above it (1).
func (k keyCondition) compare(it item) int {
	order := strings.Compare(it.text(k.partitionKey), k.partition)
	if order != 0 || k.sortKey.holds(it) {
		return order
	}
	switch k.sortKey.operator {
	case "<":
		return 1
	case ">":
		return -1
	}
	order, _ = compare(it[k.sortKey.operands[0].attribute], *k.sortKey.operands[1].constant)
	return order
}
