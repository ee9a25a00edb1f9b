package deltag

import (
	"errors"
	"testing"
)

func testMember(id string, role Role) Member {
	a := Address{Original: id + "@example.dk", Normalized: id + "@example.dk"}
	m := NewMember(id, a, LanguageDanish, []byte("0123456789abcdef"), now)
	m.Role = role
	return m
}

func TestRoleOf(t *testing.T) {
	always := testMember("anna", "")
	o := Organisation{Owners: []Address{always.Email}}
	for _, c := range []struct {
		m    Member
		want Role
	}{
		{always, RoleOwner},
		{testMember("anna", RoleReader), RoleOwner},
		{testMember("bo", RoleReader), RoleReader},
		{testMember("bo", ""), ""},
		{Member{}, ""},
	} {
		assertEqual(t, o.RoleOf(c.m), c.want)
	}
	assertEqual(t, Organisation{}.RoleOf(always), Role("")) // taken out of ORGANISERS
}

func TestCheckRole(t *testing.T) {
	anna, bo, carl := testMember("anna", RoleOwner), testMember("bo", RoleOwner), testMember("carl", RoleReader)
	for name, c := range map[string]struct {
		owners  []Address
		members []Member
		m       Member
		role    Role
		code    string // "": allowed
	}{
		"AnotherRole":             {nil, []Member{anna, carl}, carl, RoleOrganiser, ""},
		"Removed":                 {nil, []Member{anna, carl}, carl, "", ""},
		"OneOfTwoOwners":          {nil, []Member{anna, bo}, bo, "", ""},
		"TheLastOwnerRemoved":     {nil, []Member{anna, carl}, anna, "", "last-owner"},
		"TheLastOwnerMadeReader":  {nil, []Member{anna, carl}, anna, RoleReader, "last-owner"},
		"TheLastOwnerStays":       {nil, []Member{anna}, anna, RoleOwner, ""},
		"TheLastStoredOwner":      {[]Address{bo.Email}, []Member{anna}, anna, "", ""},
		"OfOrganisersRemoved":     {[]Address{bo.Email}, []Member{anna}, testMember("bo", ""), "", "always-owner"},
		"OfOrganisersMadeReader":  {[]Address{bo.Email}, nil, bo, RoleReader, "always-owner"},
		"OfOrganisersMadeAnOwner": {[]Address{bo.Email}, nil, testMember("bo", ""), RoleOwner, ""},
		"AnUnknownRole":           {nil, []Member{anna, carl}, carl, "boss", "unknown-role"},
	} {
		t.Run(name, func(t *testing.T) {
			var invalid ValidationErrors
			errors.As(Organisation{Owners: c.owners, Members: c.members}.CheckRole(c.m, c.role), &invalid)
			code := ""
			if len(invalid) > 0 {
				code = invalid[0].Code
			}
			assertEqual(t, code, c.code)
		})
	}
}

func TestMin(t *testing.T) {
	for _, c := range []struct{ a, b, want Role }{
		{RoleOwner, RoleReader, RoleReader}, {RoleReader, RoleOwner, RoleReader}, {RoleOrganiser, RoleOrganiser, RoleOrganiser},
		{RoleOwner, "", ""}, {"", RoleOwner, ""}, {"boss", RoleReader, ""},
	} {
		assertEqual(t, c.a.Min(c.b), c.want)
	}
}
