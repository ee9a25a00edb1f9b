package deltag

// A Role says what somebody may do.
type Role string

const (
	RoleOwner     Role = "owner"     // everything, including members, tokens and settings
	RoleOrganiser Role = "organiser" // read and change everything about events
	RoleReader    Role = "reader"    // read only
)

// A Channel is how a request came in.
type Channel string

const (
	ChannelAPI     Channel = "api"
	ChannelConsole Channel = "console"
)

// A Principal is an authenticated user of the API or the console.
type Principal struct {
	Name    string // of the access token, or the organiser's address
	Role    Role
	Channel Channel
}

// MayRead says whether p may read events and their registrations.
func (p Principal) MayRead() bool {
	return p.Role == RoleOwner || p.Role == RoleOrganiser || p.Role == RoleReader
}

// MayEdit says whether p may change events and registrations, and send messages to attendees.
func (p Principal) MayEdit() bool { return p.Role == RoleOwner || p.Role == RoleOrganiser }
