package deltag

// Counts are numbers of registrations.
type Counts struct {
	Confirmed, Waitlisted, Cancelled, Attended int
}

// Add counts one registration more.
func (c *Counts) Add(r Registration) {
	switch r.Status {
	case RegistrationConfirmed:
		c.Confirmed++
	case RegistrationWaitlisted:
		c.Waitlisted++
	case RegistrationCancelled:
		c.Cancelled++
	}
	if !r.AttendedAt.IsZero() {
		c.Attended++
	}
}

// Sub is c minus d.
func (c Counts) Sub(d Counts) Counts {
	return Counts{
		Confirmed: c.Confirmed - d.Confirmed, Waitlisted: c.Waitlisted - d.Waitlisted,
		Cancelled: c.Cancelled - d.Cancelled, Attended: c.Attended - d.Attended,
	}
}

// Overbooked is by how many the confirmed exceed e's capacity. That happens when the capacity is lowered: nobody loses
// their seat.
func (e Event) Overbooked(c Counts) int {
	if e.Capacity == nil {
		return 0
	}
	return max(0, c.Confirmed-*e.Capacity)
}
