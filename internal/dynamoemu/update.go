package dynamoemu

import (
	"maps"
	"slices"
	"strings"
)

// An update makes a new item out of an old one. It is read from an UpdateExpression:
//
//	update = {SET attribute "=" :value {"," …} | ADD attribute :number {"," …} | REMOVE attribute {"," …}}
//
// with each of the clauses once at most, and each attribute once. Other right sides of SET are not supported.
type update []assignment

type assignment struct {
	clause, attribute string
	value             value // of SET and ADD
}

// update reads an UpdateExpression; nil is none, and changes nothing.
func (p *placeholders) update(text *string) (update, error) {
	if text == nil {
		return nil, nil
	}
	return parse(p, "UpdateExpression", *text, (*parser).update)
}

func (p *parser) update() update {
	var u update
	seen := map[string]bool{}
	for p.token != "" {
		clause := strings.ToUpper(p.token)
		if seen[clause] {
			p.fail("The %q section can only be used once in an update expression", clause)
		}
		seen[clause] = true
		p.next()
		for more := true; more; more = p.take(",") {
			a := p.assignment(clause)
			if slices.ContainsFunc(u, func(other assignment) bool { return other.attribute == a.attribute }) {
				p.fail("Two document paths overlap with each other; path one: [%s], path two: [%[1]s]", a.attribute)
			}
			u = append(u, a)
		}
	}
	return u
}

func (p *parser) assignment(clause string) assignment {
	a := assignment{clause: clause, attribute: p.attribute()}
	switch clause {
	case "SET":
		p.expect("=")
		a.value = p.value()
	case "ADD":
		a.value = p.value()
		if a.value.N == nil {
			p.fail("Incorrect operand type for operator or function; operator: ADD takes numbers only here")
		}
	case "REMOVE":
	default:
		p.fail("Syntax error, or more than is supported here; clause: %s", clause)
	}
	return a
}

// apply leaves old as it is.
func (u update) apply(old item) (item, error) {
	new := maps.Clone(old)
	for _, a := range u {
		switch before, there := old[a.attribute]; {
		case a.clause == "REMOVE":
			delete(new, a.attribute)
		case a.clause == "SET" || !there:
			new[a.attribute] = a.value
		case before.N == nil:
			return nil, invalid("An operand in the update expression has an incorrect data type")
		default:
			sum, ok := before.N.plus(*a.value.N)
			if !ok {
				return nil, invalid("Number overflow: only 64 bits are supported")
			}
			new[a.attribute] = value{N: &sum}
		}
	}
	return new, nil
}

// touched is the part of an item that the update names.
func (u update) touched(it item) item {
	part := item{}
	for _, a := range u {
		if v, ok := it[a.attribute]; ok {
			part[a.attribute] = v
		}
	}
	return part
}
