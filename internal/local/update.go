package local

import (
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/truora/minidyn/interpreter/language"
)

// An update makes a new item out of an old one. All its operands are those of the old item.
type update struct {
	actions []action
	targets []path
}

type action func(old, made item) error

// update compiles an UpdateExpression; "" changes nothing.
func (p *placeholders) update(text string) (*update, error) {
	u := &update{}
	if text == "" {
		return u, nil
	}
	parser := language.NewUpdateParser(language.NewLexer(text))
	root := parser.ParseUpdateExpression()
	clauses, ok := root.Expression.(*language.UpdateExpression)
	if faults := parser.Errors(); len(faults) > 0 || !ok || len(clauses.Expressions) == 0 {
		return nil, invalid("Invalid UpdateExpression: Syntax error: %s", strings.Join(faults, "; "))
	}
	for _, node := range clauses.Expressions {
		clause, ok := node.(*language.ActionExpression)
		if !ok || clause == nil {
			return nil, invalid("Invalid UpdateExpression: Syntax error")
		}
		if err := u.add(p, clause); err != nil {
			return nil, err
		}
	}
	return u, nil
}

func (u *update) add(p *placeholders, n *language.ActionExpression) error {
	target, err := p.path(n.Left)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(u.targets, target.overlaps) {
		return invalid("Invalid UpdateExpression: Two document paths overlap with each other")
	}
	u.targets = append(u.targets, target)
	var do action
	switch n.Token.Type {
	case language.SET:
		do, err = p.set(target, n.Right)
	case language.REMOVE:
		if target[len(target)-1].name == "" {
			return invalid("Invalid UpdateExpression: removing a place from a list is not supported by the local engine")
		}
		do = func(_, made item) error { return made.assign(target, nil) }
	default:
		do, err = p.addOrDelete(target, n)
	}
	u.actions = append(u.actions, do)
	return err
}

func (at path) overlaps(other path) bool {
	shorter := min(len(at), len(other))
	return slices.Equal(at[:shorter], other[:shorter])
}

// apply leaves old as it is.
func (u *update) apply(old item) (item, error) {
	made := maps.Clone(old)
	for _, do := range u.actions {
		if err := do(old, made); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// touched is the part of an item that the update names.
func (u *update) touched(it item) item {
	part := item{}
	for _, at := range u.targets {
		if v, ok := it[at.root()]; ok {
			part[at.root()] = v
		}
	}
	return part
}

func (p *placeholders) set(target path, node language.Expression) (action, error) {
	term, err := p.term(node)
	if err != nil {
		return nil, err
	}
	return func(old, made item) error {
		v, err := term(old)
		if err != nil {
			return err
		}
		return made.assign(target, &v)
	}, nil
}

// A term is the right side of an assignment.
type term func(old item) (value, error)

var errAbsent = invalid("The provided expression refers to an attribute that does not exist in the item")

func (p *placeholders) term(node language.Expression) (term, error) {
	switch n := node.(type) {
	case *language.InfixExpression:
		return p.arithmetic(n)
	case *language.CallExpression:
		return p.function(n)
	}
	read, err := p.operand(node)
	return func(old item) (value, error) {
		v, ok := read(old)
		if !ok {
			return value{}, errAbsent
		}
		return v, nil
	}, err
}

func (p *placeholders) terms(left, right language.Expression) (a, b term, err error) {
	if a, err = p.term(left); err != nil {
		return nil, nil, err
	}
	b, err = p.term(right)
	return a, b, err
}

func (p *placeholders) arithmetic(n *language.InfixExpression) (term, error) {
	left, right, err := p.terms(n.Left, n.Right)
	return func(old item) (value, error) {
		a, err := left(old)
		if err != nil {
			return value{}, err
		}
		b, err := right(old)
		if err != nil {
			return value{}, err
		}
		if n.Operator == "-" {
			return sum(a, b, (*big.Rat).Sub)
		}
		return sum(a, b, (*big.Rat).Add)
	}, err
}

func sum(a, b value, combine func(z, x, y *big.Rat) *big.Rat) (value, error) {
	if a.N == nil || b.N == nil {
		return value{}, invalid("An operand in the update expression has an incorrect data type")
	}
	text := plain(combine(new(big.Rat), number(*a.N), number(*b.N)))
	return value{N: &text}, nil
}

func (p *placeholders) function(n *language.CallExpression) (term, error) {
	name := n.Function.String()
	if len(n.Arguments) != 2 || name != "if_not_exists" && name != "list_append" {
		return nil, invalid("Invalid UpdateExpression: Invalid function name or number of operands; function: %s", name)
	}
	first, second, err := p.terms(n.Arguments[0], n.Arguments[1])
	if err != nil {
		return nil, err
	}
	if name == "if_not_exists" {
		at, err := p.path(n.Arguments[0])
		return func(old item) (value, error) {
			if v, ok := at.in(old); ok {
				return v, nil
			}
			return second(old)
		}, err
	}
	return func(old item) (value, error) {
		a, err := first(old)
		if err != nil {
			return value{}, err
		}
		b, err := second(old)
		if err != nil {
			return value{}, err
		}
		if a.L == nil || b.L == nil {
			return value{}, invalid("An operand in the update expression has an incorrect data type")
		}
		both := slices.Concat(*a.L, *b.L)
		return value{L: &both}, nil
	}, nil
}

// addOrDelete compiles ADD (to a number or a set) and DELETE (from a set).
func (p *placeholders) addOrDelete(target path, n *language.ActionExpression) (action, error) {
	operand, err := p.value(n.Right.String())
	if err != nil {
		return nil, err
	}
	_, isSet := operand.members()
	adding := n.Token.Type == language.ADD
	if !isSet && (!adding || operand.N == nil) {
		return nil, invalid("Invalid UpdateExpression: Incorrect operand type for operator or function; operator: %s", n.Token.Literal)
	}
	return func(old, made item) error {
		v, ok := target.in(old)
		switch {
		case !ok && adding:
			return made.assign(target, &operand)
		case !ok:
			return nil
		case operand.N != nil:
			total, err := sum(v, operand, (*big.Rat).Add)
			if err != nil {
				return err
			}
			return made.assign(target, &total)
		case v.kind() != operand.kind():
			return invalid("An operand in the update expression has an incorrect data type")
		}
		return made.assign(target, combined(v, operand, adding))
	}, nil
}

// combined adds to a set or takes from it. A set that has become empty is no attribute any more: nil.
func combined(set, operand value, adding bool) *value {
	members, _ := set.members()
	others, _ := operand.members()
	left := slices.DeleteFunc(slices.Clone(members), func(m string) bool { return slices.Contains(others, m) })
	if adding {
		left = append(left, others...)
	}
	if len(left) == 0 {
		return nil
	}
	made := set.setOf(left)
	return &made
}

// assign puts v at a path of it, or removes what is there if v is nil. It changes no map or list on the way but
// copies them, since the old item shares them.
func (it item) assign(at path, v *value) error {
	if len(at) == 1 {
		if v == nil {
			delete(it, at.root())
		} else {
			it[at.root()] = *v
		}
		return nil
	}
	container, ok := it[at.root()]
	if !ok {
		return errBadPath
	}
	changed, err := container.assign(at[1:], v)
	if err != nil {
		return err
	}
	it[at.root()] = changed
	return nil
}

var errBadPath = invalid("The document path provided in the update expression is invalid for update")

func (container value) assign(at path, v *value) (value, error) {
	if container.M != nil && at[0].name != "" {
		m := maps.Clone(*container.M)
		return value{M: &m}, m.assign(at, v)
	}
	if container.L == nil || at[0].name != "" {
		return value{}, errBadPath
	}
	l := slices.Clone(*container.L)
	place := at[0].index
	switch {
	case len(at) > 1 && place >= len(l):
		return value{}, errBadPath
	case len(at) > 1:
		changed, err := l[place].assign(at[1:], v)
		if err != nil {
			return value{}, err
		}
		l[place] = changed
	case place < len(l):
		l[place] = *v
	default:
		l = append(l, *v)
	}
	return value{L: &l}, nil
}
