package console

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
)

// auditDetails are the actions there are, with a detail of each kind.
var auditDetails = map[deltag.AuditAction][]string{
	deltag.AuditEventCreated: nil, deltag.AuditEventCopied: nil, deltag.AuditEventOpened: nil,
	deltag.AuditEventClosed: nil, deltag.AuditEventCancelled: nil, deltag.AuditNoticeSent: nil, deltag.AuditEventDeleted: nil,
	deltag.AuditRecounted: nil, deltag.AuditMessageSent: {"confirmed", "selected"}, deltag.AuditMessageTested: nil,
	deltag.AuditEventEdited:       deltag.Event{}.ChangedFields(differentEvent()),
	deltag.AuditRegistrationAdded: nil, deltag.AuditRegistrationErased: nil, deltag.AuditSeatGiven: nil, deltag.AuditRegistrationImported: nil,
	deltag.AuditRegistrationCorrected: {"name", "email", "organisation", "role", "updates", "answers"},
	deltag.AuditRegistrationCancelled: nil, deltag.AuditAttendanceNoted: {"no"},
	deltag.AuditMailResent: {"confirmation"}, deltag.AuditMemberInvited: {"reader"}, deltag.AuditMemberJoined: {"reader"},
	deltag.AuditRoleChanged: {"organiser"}, deltag.AuditMemberRemoved: nil, deltag.AuditTokenCreated: {"owner"},
	deltag.AuditTokenRevoked: nil, deltag.AuditLinkMade: nil,
}

// differentEvent differs from the zero value in every field that an organiser may set.
func differentEvent() deltag.Event {
	return deltag.Event{
		Slug: "x", Title: "x", Description: "x", Language: "da", StartsAt: time.Unix(1, 0), EndsAt: time.Unix(1, 0),
		TimeZone: "x", Capacity: new(int), HasWaitlist: true, Verify: "auto", JoinURL: "x",
		Organiser:       deltag.Organiser{Name: "x", Email: "x", ReceivesReminders: true, ReceivesDigest: true},
		PromotionCutoff: 1, SignUpOpensAt: time.Unix(1, 0), SignUpClosesAt: time.Unix(1, 0), RetentionDays: 1,
		Questions: []deltag.Question{{}}, ScheduledMails: []deltag.ScheduledMail{{}}, Status: "open",
		ConfirmationText: "x",
	}
}

// newAuditLog enters one of each action.
func (c *client) newAuditLog(e deltag.Event) {
	c.Helper()
	for n, action := range slices.Sorted(maps.Keys(auditDetails)) {
		details := auditDetails[action]
		entry := deltag.AuditEntry{Action: action, Details: details, EventID: e.ID, Subject: e.Title}
		switch kind, _, _ := strings.Cut(string(action), "."); kind {
		case "registration":
			entry.RegistrationID, entry.Subject = "abcdefghijklmnopqrst", ""
		case "member":
			entry.EventID, entry.Subject = "", "bo@example.dk"
		case "token":
			entry.EventID, entry.Subject = "", "=skript"
		}
		by := deltag.Principal{Name: "anna@example.dk", Channel: deltag.ChannelConsole}
		if action == deltag.AuditRecounted {
			by = deltag.Principal{Name: "Natlig kørsel", Channel: deltag.ChannelAPI}
		}
		if action == deltag.AuditLinkMade {
			by = deltag.Operator("cmd/token")
		}
		ctx := by.Record(context.Background(), start.Add(-time.Duration(n+1)*time.Minute), entry)
		token := deltag.AccessToken{Name: "x", Role: deltag.RoleReader, ExpiresAt: start.AddDate(1, 0, 0)}
		if err := c.store.PutToken(ctx, rand.Text(), token); err != nil {
			c.Fatal(err)
		}
	}
}

// auditPages opens the pages of the audit log.
func auditPages(t *testing.T) map[string]func(query string) response {
	of := func(path string, prepare func(eventClient)) func(string) response {
		return func(query string) response {
			c := eventClient{client: newClient(t)}
			c.signIn("anna")
			c.event = c.newFixedEvent(nil)
			prepare(c)
			if path == "" {
				return c.get(c.path("history") + query)
			}
			return c.get(path + query)
		}
	}
	return map[string]func(query string) response{
		"history":       of("/organiser/history", func(c eventClient) { c.newAuditLog(c.event) }),
		"history-event": of("", func(c eventClient) { c.newAuditLog(c.event) }),
		"history-none":  of("", func(eventClient) {}),
		"history-next": func(query string) response {
			c := newEventClient(t, nil)
			for range 7 {
				c.newAuditLog(c.event)
			}
			next, _ := c.get(c.path("history")).doc.Find("main a[href^='?cursor=']").Attr("href")
			return c.get(c.path("history") + next + "&" + query[1:])
		},
	}
}

func TestAuditLogAsCSV(t *testing.T) {
	c := newEventClient(t, nil)
	c.newAuditLog(c.event)
	c.addMember("ole", deltag.RoleOwner)
	for who, want := range map[string]int{"rie": 19, "ole": 28} {
		c.signIn(who)
		got := c.get("/organiser/history.csv?lang=da")
		file := csv.NewReader(strings.NewReader(strings.TrimPrefix(got.text, "\ufeff")))
		file.Comma = ';'
		rows, err := file.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 1+want {
			t.Errorf("%s gets %d entries, want %d", who, len(rows)-1, want)
		}
		for _, row := range rows {
			for _, cell := range row {
				if strings.HasPrefix(cell, "=") {
					t.Errorf("a formula: %q", cell)
				}
			}
		}
	}
}

// A longAuditLog has so many entries, of every event.
type longAuditLog struct {
	organiser.Store
	entries int
}

func (s longAuditLog) AuditLog(
	_ context.Context, eventID, cursor string, limit int,
) (entries []deltag.AuditEntry, next string, err error) {
	from, _ := strconv.Atoi(cursor)
	for n := from; n < min(from+limit, s.entries); n++ {
		entries = append(entries, deltag.AuditEntry{
			At: start, Actor: "anna@example.dk", Action: deltag.AuditEventEdited, EventID: eventID, Subject: strconv.Itoa(n),
		})
	}
	if from+limit < s.entries {
		next = strconv.Itoa(from + limit)
	}
	return entries, next, nil
}

// TestLongAuditLogSaysThatItIsCut: the file ends with a line that says so, and only if something is missing.
func TestLongAuditLogSaysThatItIsCut(t *testing.T) {
	c := newEventClient(t, nil)
	store := c.site.Organiser.Store
	for entries, isCut := range map[int]bool{maxAuditExport: false, maxAuditExport + 1: true} {
		c.site.Organiser.Store = longAuditLog{store, entries}
		lines := strings.Split(strings.TrimSpace(c.get(c.path("history.csv")+"?lang=da").want(http.StatusOK).text), "\r\n")
		lines = lines[1:] // the head
		if isCut != strings.HasPrefix(lines[len(lines)-1], "Der er mere: filen rummer kun de seneste 20.000 linjer.") {
			t.Errorf("%d entries: %s", entries, lines[len(lines)-1])
		}
		if isCut {
			lines = lines[:len(lines)-1]
		}
		if last := lines[len(lines)-1]; len(lines) != maxAuditExport || !strings.Contains(last, ";"+strconv.Itoa(maxAuditExport-1)+";") {
			t.Errorf("%d entries: %d lines, the last %s", entries, len(lines), last)
		}
	}
	c.get(c.path("history")).says("main", "højst de seneste 20.000 linjer")
}
