package deltag

import (
	"time"
	_ "time/tzdata" // the provided.al2023 runtime ships no time zone database
)

// Zone loads an IANA time zone. Unlike time.LoadLocation it refuses "" and "Local", which mean
// nothing to a reader elsewhere.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, ErrNotFound
	}
	return time.LoadLocation(name)
}
