package deltag

import (
	"strings"
	"testing"
	"time"
)

func TestAudienceIncludes(t *testing.T) {
	type registration struct {
		status   RegistrationStatus
		attended bool
	}
	confirmed, waitlisted := registration{RegistrationConfirmed, false}, registration{RegistrationWaitlisted, false}
	attended, cancelled := registration{RegistrationConfirmed, true}, registration{RegistrationCancelled, false}
	everybody := []registration{confirmed, waitlisted, attended, cancelled}
	for audience, want := range map[Audience][]registration{
		AudienceAll:         {confirmed, waitlisted, attended},
		AudienceConfirmed:   {confirmed, attended},
		AudienceWaitlisted:  {waitlisted},
		AudienceAttended:    {attended},
		AudienceNotAttended: {confirmed},
		"":                  everybody,
	} {
		t.Run(string(audience), func(t *testing.T) {
			included := map[registration]bool{}
			for _, r := range want {
				included[r] = true
			}
			for _, c := range everybody {
				r := Registration{Status: c.status}
				if c.attended {
					r.AttendedAt = start
				}
				assertEqual(t, audience.Includes(r), included[c])
				assertEqual(t, Mailing{Audience: audience}.Targets(r), included[c])
			}
		})
	}
}

func TestMessageValidate(t *testing.T) {
	longest := strings.Repeat("å", MaxDescription)
	for _, a := range []Audience{
		AudienceAll, AudienceConfirmed, AudienceWaitlisted, AudienceAttended, AudienceNotAttended,
	} {
		assertEqual(t, validationCodes(Mailing{Audience: a, Text: longest}.Validate()), []string(nil))
	}
	for want, m := range map[string]Mailing{
		"text: missing":              {Audience: AudienceAll, Text: " \n"},
		"text: too-long 5000":        {Audience: AudienceAll, Text: strings.Repeat("å", MaxDescription+1)},
		"audience: unknown-audience": {Text: "Hej"},
	} {
		assertEqual(t, validationCodes(m.Validate()), []string{want})
	}
}

func TestTargetsOfACatchUp(t *testing.T) {
	for name, c := range map[string]struct {
		kind MailKind
		r    Registration
		want bool
	}{
		"ReminderToOneConfirmedSince":    {dayBefore, Registration{ConfirmedAt: now, LastMailedAt: now.Add(-1)}, true},
		"ReminderNotToOneMailedSince":    {dayBefore, Registration{ConfirmedAt: now.Add(-1), LastMailedAt: now}, false},
		"NoticeToOneMailedSince":         {KindMoved, Registration{ConfirmedAt: now.Add(-1), LastMailedAt: now}, true},
		"NoticeNotToOneConfirmedEarlier": {KindMoved, Registration{ConfirmedAt: now, LastMailedAt: now.Add(-1)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			assertEqual(t, Mailing{Kind: c.kind, CatchUpSince: now}.Targets(c.r), c.want)
			assertEqual(t, Mailing{Kind: c.kind}.Targets(c.r), true)
		})
	}
}

// mailOf is a mail of kind k that is to be sent: its version is the current one, and it is due at dueAt.
func mailOf(k MailKind, e Event, r Registration, dueAt time.Time) MailContext {
	c := MailContext{Event: e, Registration: r, Kind: k, Version: e.currentVersion(k), DueAt: dueAt}
	if k.IsTransactional() {
		c.Version = r.MailVersion
	}
	return c
}

func TestSkipReasonOfMailToAll(t *testing.T) {
	due := start.Add(-24 * time.Hour)
	status := func(s RegistrationStatus) func(*MailContext) {
		return func(c *MailContext) { c.Registration.Status = s }
	}
	confirmedAt := func(at time.Time) func(*MailContext) {
		return func(c *MailContext) { c.Registration.ConfirmedAt = at }
	}
	dueAt := func(at time.Time) func(*MailContext) { return func(c *MailContext) { c.DueAt = at } }
	attended := func(c *MailContext) { c.Registration.AttendedAt = start }
	oldVersion := func(c *MailContext) { c.Version-- }
	cancelled := func(c *MailContext) { c.Event.Status = EventCancelled }
	changedAt := testEvent().CalendarChangedAt
	nothing := func(*MailContext) {}
	givenBack := func(c *MailContext) { c.Noted = []Registration{{}} }
	sentNow := func(c *MailContext) { c.DueAt, c.Registration.ConfirmedAt = changedAt, changedAt.Add(time.Second) }
	ofDraft := func(byOrganiser bool) func(*MailContext) {
		return func(c *MailContext) {
			c.Event.LatestNotice.OfDraft, c.Registration.ByOrganiser = true, byOrganiser
			c.Registration.ConfirmedAt = changedAt.Add(1)
		}
	}
	const later, gone = ReasonSignedUpLater, ReasonRegistrationCancelled
	for name, c := range map[string]struct {
		kind   MailKind
		at     time.Time
		change func(*MailContext)
		want   Reason
	}{
		"Reminder":                      {dayBefore, due, nothing, ""},
		"ReminderUntilTheNext":          {dayBefore, start.Add(-time.Hour - 1), nothing, ""},
		"ReminderNotWithTheNext":        {dayBefore, start.Add(-time.Hour), nothing, ReasonSuperseded},
		"LastReminderUntilTheStart":     {"reminder-PT10M", start.Add(-1), dueAt(start.Add(-10 * time.Minute)), ""},
		"ReminderSentAgain":             {dayBefore, start.Add(-1), dueAt(start.Add(-1)), ""},
		"ReminderNotAtTheStart":         {dayBefore, start, nothing, ReasonEventStarted},
		"ReminderNotOfAnOldSchedule":    {dayBefore, due, oldVersion, ReasonOldSchedule},
		"ReminderNotToACancelled":       {dayBefore, due, status(RegistrationCancelled), gone},
		"ReminderNotToAWaitlisted":      {dayBefore, due, status(RegistrationWaitlisted), ReasonWaitlisted},
		"ReminderNotOfACancelledEvent":  {dayBefore, due, cancelled, ReasonEventCancelled},
		"ReminderNotIfConfirmedWhenDue": {dayBefore, due, confirmedAt(due), later},
		"ReminderIfConfirmedBefore":     {dayBefore, due, confirmedAt(due.Add(-1)), ""},
		"Notice":                        {KindMoved, due, confirmedAt(changedAt), ""},
		"NoticeOfATitle":                {KindChanged, due, confirmedAt(changedAt), ""},
		"NoticeUntilTheEnd":             {KindMoved, end.Add(-1), confirmedAt(changedAt), ""},
		"NoticeNotAtTheEnd":             {KindMoved, end, confirmedAt(changedAt), ReasonEventOver},
		"NoticeNotOfAnEarlierEdit":      {KindMoved, due, oldVersion, ReasonOldSchedule},
		"NoticeNotToAWaitlisted":        {KindMoved, due, status(RegistrationWaitlisted), ReasonWaitlisted},
		"NoticeNotOfACancelledEvent":    {KindMoved, due, cancelled, ReasonEventCancelled},
		"NoticeIfConfirmedWithin30s":    {KindMoved, due, confirmedAt(changedAt.Add(30 * time.Second)), ""},
		"NoticeIfConfirmedAfterDueAt":   {KindMoved, due, sentNow, ""},
		"NoticeNotIfConfirmedLater":     {KindMoved, due, confirmedAt(changedAt.Add(30*time.Second + 1)), later},
		"NoticeOfADraftNotToThoseAfter": {KindChanged, due, ofDraft(false), later},
		"NoticeOfADraftToThoseAdded":    {KindChanged, due, ofDraft(true), ""},
		"CancellationOfTheEvent":        {KindEventCancelled, due, cancelled, ""},
		"CancellationToAWaitlisted":     {KindEventCancelled, due, status(RegistrationWaitlisted), ""},
		"CancellationNotToACancelled":   {KindEventCancelled, due, status(RegistrationCancelled), gone},
		"FollowUpToAttended":            {KindFollowUpAttended, end, attended, ""},
		"FollowUpToAttendedNotToOthers": {KindFollowUpAttended, end, nothing, ReasonNotAttended},
		"FollowUpToMissed":              {KindFollowUpMissed, end, nothing, ""},
		"FollowUpToMissedNotToAttended": {KindFollowUpMissed, end, attended, ReasonAttended},
		"FollowUpNotOfAnOldSchedule":    {KindFollowUpMissed, end, oldVersion, ReasonOldSchedule},
		"MessageToACancelled":           {KindMessage, end, status(RegistrationCancelled), ""},
		"MessageOfACancelledEvent":      {KindMessage, end, cancelled, ""},
		"OrganiserNote":                 {KindOrganiserNote, due, givenBack, ""},
		"OrganiserNoteOfNobody":         {KindOrganiserNote, due, nothing, ReasonRegistrationGone},
		"OrganiserNoteTooLate":          {KindOrganiserNote, end, givenBack, ReasonEventOver},
		"OrganiserNoteOfACancelled":     {KindOrganiserNote, due, cancelled, ReasonEventCancelled},
		"Preview":                       {KindPreview, end, cancelled, ""},
		"ErasureReceipt":                {KindErasureReceipt, end, status(RegistrationCancelled), ""},
		"AddressChanged":                {KindAddressChanged, end, status(RegistrationCancelled), ""},
	} {
		t.Run(name, func(t *testing.T) {
			mc := mailOf(c.kind, testEvent(), testRegistration(), due)
			c.change(&mc)
			assertEqual(t, mc.SkipReason(c.at), c.want)
		})
	}
}

func TestSkipReasonOfTransactionalMail(t *testing.T) {
	confirmed, waitlisted, cancelled := RegistrationConfirmed, RegistrationWaitlisted, RegistrationCancelled
	for name, c := range map[string]struct {
		kind   MailKind
		status RegistrationStatus
		want   Reason
	}{
		"Confirmation":              {KindConfirmation, confirmed, ""},
		"ConfirmationToAWaitlisted": {KindConfirmation, waitlisted, ReasonWaitlisted},
		"ConfirmationToACancelled":  {KindConfirmation, cancelled, ReasonRegistrationCancelled},
		"Promotion":                 {KindPromoted, confirmed, ""},
		"PromotionToAWaitlisted":    {KindPromoted, waitlisted, ReasonWaitlisted},
		"PromotionToACancelled":     {KindPromoted, cancelled, ReasonRegistrationCancelled},
		"Waitlisted":                {KindWaitlisted, waitlisted, ""},
		"WaitlistedToAConfirmed":    {KindWaitlisted, confirmed, ReasonNotWaitlisted},
		"WaitlistedToACancelled":    {KindWaitlisted, cancelled, ReasonRegistrationCancelled},
		"CancellationToACancelled":  {KindRegistrationCancelled, cancelled, ""},
		"CancellationToAConfirmed":  {KindRegistrationCancelled, confirmed, ReasonConfirmed},
		"CancellationToAWaitlisted": {KindRegistrationCancelled, waitlisted, ReasonConfirmed},
	} {
		t.Run(name, func(t *testing.T) {
			r := testRegistration()
			r.Status, r.MailVersion = c.status, 3
			mc := mailOf(c.kind, testEvent(), r, now)
			assertEqual(t, mc.SkipReason(end.Add(-1)), c.want)
			mc.Event.Status = EventCancelled
			assertEqual(t, mc.SkipReason(now), ReasonEventCancelled)
			mc.Version--
			assertEqual(t, mc.SkipReason(now), ReasonSuperseded)
			assertEqual(t, mailOf(c.kind, testEvent(), r, now).SkipReason(end), ReasonEventOver)
		})
	}
}

// TestSkipReasonOfSuppressedAddresses: a bounce stops all mail, complaints and unsubscriptions optional mail, and
// complaints what a stranger can cause, too.
func TestSkipReasonOfSuppressedAddresses(t *testing.T) {
	optional := map[AddressStatus]Reason{
		AddressBounced: ReasonAddressBounced, AddressComplained: ReasonAddressComplained,
		AddressUnsubscribed: ReasonUnsubscribed,
	}
	for _, k := range []MailKind{
		dayBefore, KindMessage, KindFollowUpMissed, KindConfirmation, KindMoved, KindEventCancelled,
	} {
		for status, want := range optional {
			if status != AddressBounced && !k.IsUnsubscribable() {
				want = ""
			}
			r := testRegistration()
			r.ConfirmedAt = testEvent().CalendarChangedAt
			mc := mailOf(k, testEvent(), r, now.Add(1))
			for _, mc.ByForm = range []bool{false, true} {
				if mc.ByForm && status == AddressComplained {
					want = ReasonAddressComplained
				}
				mc.Suppression, mc.Registration.AddressStatus = status, AddressOK
				assertEqual(t, mc.SkipReason(now), want)
				mc.Suppression, mc.Registration.AddressStatus = "", status
				assertEqual(t, mc.SkipReason(now), want)
			}
		}
	}
}

func TestICalSequenceIsTheSum(t *testing.T) {
	c := MailContext{Event: Event{ICalSequence: 2}, Registration: Registration{ICalSequence: 3}}
	assertEqual(t, c.ICalSequence(), 5)
}

func TestIncludesJoinLink(t *testing.T) {
	for name, c := range map[string]struct {
		status RegistrationStatus
		at     time.Time
		want   bool
	}{
		"TooEarly":             {RegistrationConfirmed, start.Add(-time.Hour - 1), false},
		"FromAnHourBefore":     {RegistrationConfirmed, start.Add(-time.Hour), true},
		"UntilTheEnd":          {RegistrationConfirmed, end.Add(-1), true},
		"NotAtTheEnd":          {RegistrationConfirmed, end, false},
		"NotToAWaitlisted":     {RegistrationWaitlisted, start, false},
		"NotToOneWhoCancelled": {RegistrationCancelled, start, false},
	} {
		t.Run(name, func(t *testing.T) {
			mc := MailContext{Event: testEvent(), Registration: Registration{Status: c.status}}
			assertEqual(t, mc.IncludesJoinLink(c.at), c.want)
		})
	}
}

func TestMailContextTakesTheMailing(t *testing.T) {
	m := testEvent().NewMailing(KindMessage, 3, now, "Hej")
	want := MailContext{
		Event: testEvent(), Registration: testRegistration(), Kind: KindMessage, Version: 3, DueAt: now, Text: "Hej",
	}
	assertEqual(t, m.MailContext(testEvent(), testRegistration()), want)
}
