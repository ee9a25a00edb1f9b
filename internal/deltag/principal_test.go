package deltag

import "testing"

func TestPrincipalPermissions(t *testing.T) {
	for role, want := range map[Role]struct{ read, edit bool }{
		RoleOwner: {true, true}, RoleOrganiser: {true, true}, RoleReader: {true, false}, "": {}, "admin": {},
	} {
		p := Principal{Role: role}
		assertEqual(t, []bool{p.MayRead(), p.MayEdit()}, []bool{want.read, want.edit})
	}
}
