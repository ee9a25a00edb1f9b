package dynamoemu

import (
	"maps"
	"strings"
)

// An update makes a new item out of an old one. It is read from an UpdateExpression:
//
//	update = {SET attribute "=" :value {"," …} | ADD attribute :number {"," …} | REMOVE attribute {"," …}}
//
// with each of the clauses once at most, and each attribute once. Other right sides of SET are not supported.
type update map[string]assignment // by attribute

type assignment struct {
	clause string
	value  value // of SET and ADD
}

func (p *parser) update() update {
	u := update{}
	seen := map[string]bool{}
	for p.token != "" {
		clause := strings.ToUpper(p.token)
		if seen[clause] {
			p.fail("The %q section can only be used once in an update expression", clause)
		}
		seen[clause] = true
		p.next()
		for more := true; more; more = p.take(",") {
			attribute := p.attribute()
			if _, twice := u[attribute]; twice {
				p.fail("Two document paths overlap with each other; path one: [%s], path two: [%[1]s]", attribute)
			}
			u[attribute] = assignment{clause, p.assigned(clause)}
		}
	}
	return u
}

// assigned reads what follows the attribute.
func (p *parser) assigned(clause string) (v value) {
	switch clause {
	case "SET":
		p.expect("=")
		v = p.value()
	case "ADD":
		if v = p.value(); v.N == nil {
			p.fail("Incorrect operand type for operator or function; operator: ADD, which takes numbers only here")
		}
	case "REMOVE":
	default:
		p.fail("Syntax error, or more than dynamoemu supports; clause: %s", clause)
	}
	return v
}

// apply leaves old as it is.
func (u update) apply(old item) (item, error) {
	new := maps.Clone(old)
	for attribute, a := range u {
		switch before := old[attribute]; {
		case a.clause == "REMOVE":
			delete(new, attribute)
		case a.clause == "SET" || before == absent:
			new[attribute] = a.value
		case before.N == nil:
			return nil, invalid("An operand in the update expression has an incorrect data type")
		default:
			sum := *before.N + *a.value.N
			if (sum > *before.N) != (*a.value.N > 0) {
				return nil, invalid("Number overflow: only 64 bits are supported")
			}
			new[attribute] = value{N: &sum}
		}
	}
	return new, nil
}
