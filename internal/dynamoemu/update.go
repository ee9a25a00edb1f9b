package dynamoemu

import (
	"maps"
	"strings"
)

// An update makes a new item out of an old one. It is read from an UpdateExpression:
//
//	update = {SET attribute "=" source {"," …} | ADD attribute :number {"," …} | REMOVE attribute {"," …}}
//	source = :value | if_not_exists(attribute, :value)
//
// with each of the clauses once at most, and each attribute once. Other right sides of SET are not supported.
type update map[string]assignment // by attribute

type assignment struct {
	clause string
	value  value  // of SET and ADD
	unless string // the attribute of if_not_exists, whose value comes first; "" if there is none
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
			u[attribute] = p.assignment(clause)
		}
	}
	return u
}

// assignment reads what follows the attribute.
func (p *parser) assignment(clause string) assignment {
	a := assignment{clause: clause}
	switch clause {
	case "SET":
		p.expect("=")
		if p.token == "if_not_exists" { // unlike keywords, names of functions have one spelling
			p.next()
			p.expect("(")
			a.unless = p.attribute()
			p.expect(",")
			a.value = p.value()
			p.expect(")")
			break
		}
		a.value = p.value()
	case "ADD":
		if a.value = p.value(); a.value.N == nil {
			p.fail("Incorrect operand type for operator or function; operator: ADD, which takes numbers only here")
		}
	case "REMOVE":
	default:
		p.fail("Syntax error, or more than dynamoemu supports; clause: %s", clause)
	}
	return a
}

// apply leaves old as it is.
func (u update) apply(old item) (item, error) {
	new := maps.Clone(old)
	for attribute, a := range u {
		switch before := old[attribute]; {
		case a.clause == "REMOVE":
			delete(new, attribute)
		case a.clause == "SET" && a.unless != "" && old[a.unless] != absent:
			new[attribute] = old[a.unless]
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
