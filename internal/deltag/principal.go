package deltag

// A Role is what somebody may do.
type Role string

const (
	RoleOwner     Role = "owner"     // everything, members, tokens and settings too
	RoleOrganiser Role = "organiser" // everything about events
	RoleReader    Role = "reader"    // see, and change nothing
)

// A Door is the way somebody came in.
type Door string

const (
	DoorAPI     Door = "api"
	DoorConsole Door = "console"
)

// A Principal is who asks for something, as far as they have proved it.
type Principal struct {
	Name string // of the access token, or the organiser's address
	Role Role
	Door Door
}

// MayRead says whether p may see events and the people who take part.
func (p Principal) MayRead() bool {
	return p.Role == RoleOwner || p.Role == RoleOrganiser || p.Role == RoleReader
}

// MayEdit says whether p may change events and registrations, and write to those who take part.
func (p Principal) MayEdit() bool { return p.Role == RoleOwner || p.Role == RoleOrganiser }
