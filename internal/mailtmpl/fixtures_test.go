package mailtmpl_test

import (
	"bytes"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/mailtmpl"
)

var (
	renderer = &mailtmpl.Renderer{
		From: "Deltag <tilmelding@mail.example.dk>", BaseURL: "https://deltag.example.dk",
	}
	start            = time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC) // 14.00 in Copenhagen
	early            = time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)
	dayBefore        = start.Add(-24 * time.Hour)
	soon             = start.Add(-30 * time.Minute)
	tenMinutesBefore = start.Add(-10 * time.Minute)
	after            = start.Add(2 * time.Hour)
)

func event() deltag.Event {
	return deltag.Event{
		ID: "aaaaaaaaaaaaaaaaaaaa", Slug: "samskabelse", Title: "Når velfærd skabes sammen – en times tænketank",
		Language: deltag.LanguageDanish, TimeZone: "Europe/Copenhagen", Status: deltag.EventOpen,
		ICalSequence: 2, ScheduleVersion: 1,
		StartsAt: start, EndsAt: start.Add(time.Hour), RetentionDays: 30,
		JoinURL:   "https://meet.example.org/hemmelig",
		Organiser: deltag.Organiser{Name: "UKON", Email: "hej@ukon.example.dk"},
	}
}

func registration() deltag.Registration {
	return deltag.Registration{
		EventID: "aaaaaaaaaaaaaaaaaaaa", ID: "bbbbbbbbbbbbbbbbbbbb", Name: "Mette Østergård",
		Language: deltag.LanguageDanish,
		Email:    deltag.Address{Original: "Mette@example.dk", Normalized: "mette@example.dk"},
		Status:   deltag.RegistrationConfirmed, ConfirmedAt: early, RegisteredAt: early, MailVersion: 1,
		Secret: bytes.Repeat([]byte{7}, 16),
	}
}

// A mailCase is a mail and when it is sent.
type mailCase struct {
	deltag.MailContext
	at time.Time
}

// mailCases are every mail there is, in one language.
func mailCases(l deltag.Language) map[string]mailCase {
	e, r := event(), registration()
	r.Language = l
	waitlisted := r
	waitlisted.Status, waitlisted.ConfirmedAt = deltag.RegistrationWaitlisted, time.Time{}
	waitlisted.WaitlistedAt = early
	left := r
	left.Status, left.ICalSequence = deltag.RegistrationCancelled, 1
	leftWaitlist := r
	leftWaitlist.Status, leftWaitlist.ConfirmedAt = deltag.RegistrationCancelled, time.Time{}
	unverified := r
	unverified.Status, unverified.ConfirmedAt, unverified.AsksForNews = deltag.RegistrationUnverified, time.Time{}, true
	unverified.VerifyUntil = early.Add(deltag.VerificationPeriod)
	added := r
	added.ByOrganiser, added.Source = true, "Aarhus Kommunes liste over udviklingschefer"
	addedByHand := r
	addedByHand.ByOrganiser = true
	addedToWaitlist := waitlisted
	addedToWaitlist.ByOrganiser, addedToWaitlist.Source = true, added.Source
	ticked := r
	ticked.AsksForNews = true
	changing, _, _ := r.RequestAddressChange(
		deltag.SignUpRequest{Name: "Mette Nybo", Email: r.Email, Language: l}, bytes.Repeat([]byte{8}, 16), early,
	)
	newAddress := changing.VerificationRecipient(deltag.Delivery{
		Generation: deltag.Registration{Secret: changing.AddressChange.Secret}.Generation(),
	})
	text := map[deltag.Language]string{
		deltag.LanguageDanish: "Kære {name}, hav gerne papir og blyant klar.\n\nLæs på forhånd: " +
			"https://ukon.example.dk/laes, så får du mere ud af »{title}« {when}.\nDin indgang: {link}",
		deltag.LanguageEnglish: "Dear {name}, please bring pen and paper.\n\nRead before: " +
			"https://ukon.example.dk/read, and get more out of “{title}” on {when}.\nYour way in: {link}",
	}[l]
	mail := func(k deltag.MailKind, r deltag.Registration, at time.Time, text string) mailCase {
		return mailCase{deltag.MailContext{Event: e, Registration: r, Kind: k, Version: 1, DueAt: at, Text: text}, at}
	}
	note := mail(deltag.KindOrganiserNote,
		*deltag.NewOrganiserDelivery(e, deltag.KindOrganiserNote, 1, early).DetachedRecipient, early, "")
	note.Registration.Language = l
	bounced := left.GiveBack(early)
	note.Noted = []deltag.Registration{waitlisted.GiveBack(early), bounced}
	held := note
	held.Noted = []deltag.Registration{waitlisted.Hold(early)}
	digest := note
	digest.Noted, digest.Digest = nil, &deltag.Digest{
		Confirmed: 42, NewConfirmed: 5, Waitlisted: 3, IsFull: true, MissesLink: true,
	}
	quiet := digest
	quiet.Digest = &deltag.Digest{Confirmed: 41, NewConfirmed: -1}
	withBounces := note
	withBounces.Digest = quiet.Digest
	member := deltag.NewMember("cccccccccccccccccccc", r.Email, l, bytes.Repeat([]byte{9}, 16), early)
	toMember := func(k deltag.MailKind) mailCase {
		c := mail(k, member.Recipient(), early, "")
		c.Event = deltag.AccountEvent()
		return c
	}
	position3 := mail(deltag.KindWaitlisted, waitlisted, early, "")
	position3.WaitlistPosition = 3
	final := func(k deltag.MailKind) mailCase {
		return mail(k, *deltag.NewFinalDelivery(e, r, k, early).DetachedRecipient, early, "")
	}
	notice := func(k deltag.MailKind, title string, start time.Time) mailCase {
		c := mail(k, r, early, "")
		c.Event.LatestNotice = deltag.Notice{Kind: k, Before: deltag.CalendarDetails{
			Title: title, StartsAt: start, EndsAt: start.Add(time.Hour), TimeZone: e.TimeZone,
		}}
		return c
	}
	eventCancelled := func(r deltag.Registration) mailCase {
		c := mail(deltag.KindEventCancelled, r, early, "")
		c.Event.Status = deltag.EventCancelled
		return c
	}
	return map[string]mailCase{
		"sign-in":              toMember(deltag.KindSignIn),
		"member-invited":       toMember(deltag.KindMemberInvited),
		"confirmation":         mail(deltag.KindConfirmation, r, early, ""),
		"confirmation-added":   mail(deltag.KindConfirmation, added, early, ""),
		"confirmation-by-hand": mail(deltag.KindConfirmation, addedByHand, early, ""),
		"waiting-added":        mail(deltag.KindWaitlisted, addedToWaitlist, early, ""),
		"reminder-added":       mail("reminder-P1D", added, dayBefore, ""),
		"confirmation-news":    mail(deltag.KindConfirmation, ticked, early, ""),
		"confirmation-text":    mail(deltag.KindConfirmation, r, early, text),
		"promoted-text":        mail(deltag.KindPromoted, r, early, text),
		"verify":               mail(deltag.KindVerification, unverified, early, ""),
		"verify-new-address":   mail(deltag.KindVerification, newAddress, early, ""),
		"confirmation-soon":    mail(deltag.KindConfirmation, r, soon, ""),
		"confirmation-running": mail(deltag.KindConfirmation, r, start.Add(5*time.Minute), ""),
		"waiting":              position3,
		"promoted":             mail(deltag.KindPromoted, r, early, ""),
		"withdrawn":            mail(deltag.KindRegistrationCancelled, left, early, ""),
		"withdrawn-waiting":    mail(deltag.KindRegistrationCancelled, leftWaitlist, early, ""),
		"readdressed":          final(deltag.KindAddressChanged),
		"erased":               final(deltag.KindErasureReceipt),
		"organiser-note":       note,
		"organiser-note-held":  held,
		"organiser-digest":     digest, "organiser-digest-quiet": quiet, "organiser-note-digest": withBounces,
		"preview":           mail(deltag.KindPreview, r, early, text),
		"moved":             notice(deltag.KindMoved, e.Title, start.Add(26*time.Hour)),
		"changed":           notice(deltag.KindChanged, "Velfærd", start),
		"cancelled":         eventCancelled(r),
		"cancelled-waiting": eventCancelled(waitlisted),
		"reminder-P1D":      mail("reminder-P1D", r, dayBefore, text),
		"reminder-PT1H":     mail("reminder-PT1H", r, start.Add(-time.Hour), ""),
		"reminder-PT10M":    mail("reminder-PT10M", r, tenMinutesBefore, ""),
		"followup-attended": mail(deltag.KindFollowUpAttended, r, after, text),
		"followup-missed":   mail(deltag.KindFollowUpMissed, r, after, text),
		"message":           mail(deltag.KindMessage, r, early, text),
		"message-waiting":   mail(deltag.KindMessage, waitlisted, early, text),
	}
}
