package deltag

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// An AuditAction is what somebody has done. Its words are in the language files.
type AuditAction string

const (
	AuditEventCreated   AuditAction = "event.created"
	AuditEventCopied    AuditAction = "event.copied"
	AuditEventEdited    AuditAction = "event.edited"
	AuditEventOpened    AuditAction = "event.opened"
	AuditEventClosed    AuditAction = "event.closed"
	AuditEventCancelled AuditAction = "event.cancelled"
	AuditEventDeleted   AuditAction = "event.deleted"
	AuditNoticeSent     AuditAction = "event.notice-sent" // at once, instead of later
	AuditRecounted      AuditAction = "event.recounted"
	AuditMessageSent    AuditAction = "message.sent"
	AuditMessageTested  AuditAction = "message.tested"

	AuditRegistrationAdded     AuditAction = "registration.added"
	AuditRegistrationImported  AuditAction = "registration.imported" // added with a list
	AuditRegistrationCorrected AuditAction = "registration.corrected"
	AuditRegistrationCancelled AuditAction = "registration.cancelled"
	AuditRegistrationErased    AuditAction = "registration.erased"
	AuditSeatGiven             AuditAction = "registration.seat-given"
	AuditAttendanceNoted       AuditAction = "registration.attendance-noted"
	AuditMailResent            AuditAction = "registration.mail-resent"

	AuditMemberInvited AuditAction = "member.invited"
	AuditMemberJoined  AuditAction = "member.joined" // by the domain of their address
	AuditRoleChanged   AuditAction = "member.role-changed"
	AuditMemberRemoved AuditAction = "member.removed"
	AuditLinkMade      AuditAction = "member.link-made" // to sign in, by the operator
	AuditTokenCreated  AuditAction = "token.created"
	AuditTokenRevoked  AuditAction = "token.revoked"
)

// AuditRetentionDays is how long the audit log keeps an entry.
const AuditRetentionDays = 365

// An AuditEntry says who has done what, when and through which front end. It has no name, address or answer of anybody who takes
// part: a registration is named by its id, which says nothing once it is erased.
type AuditEntry struct {
	At      time.Time
	Actor   string // a member's address, or the name of an access token or of the operator's command
	Channel Channel
	Action  AuditAction
	EventID string // "": it is about no event
	// RegistrationID is whom it is about, if it is one person.
	RegistrationID string
	// Subject is what it is about otherwise: an event's title, a member's address, a token's name.
	Subject string
	// Details are the fields that were changed, in the names of the API, or the role, audience, kind of mail, or yes or no
	// that was chosen.
	Details []string
}

// auditKey is the key of a context's PendingAudit.
type auditKey struct{}

// A PendingAudit is an entry that the next change is to write. It is in the context, since any use case may change
// something, and its transactions lie deep within the store.
type PendingAudit struct {
	AuditEntry
	written atomic.Bool
}

// Record has the first change that is stored under the context write that p did it, in the same transaction: there is no
// change without its entry, and no entry without its change. Of e it sets who, when and through which front end.
func (p Principal) Record(ctx context.Context, now time.Time, e AuditEntry) context.Context {
	e.At, e.Actor, e.Channel = now, p.Name, p.Channel
	return context.WithValue(ctx, auditKey{}, &PendingAudit{AuditEntry: e})
}

// WithoutAudit is ctx for what a change brings with it, or repairs on its way, which writes no entry.
func WithoutAudit(ctx context.Context) context.Context {
	return context.WithValue(ctx, auditKey{}, (*PendingAudit)(nil))
}

// AuditToWrite is the entry that a transaction under the context must write, nil if there is none. Written is called when
// it has.
func AuditToWrite(ctx context.Context) *PendingAudit {
	p, _ := ctx.Value(auditKey{}).(*PendingAudit)
	if p == nil || p.written.Load() {
		return nil
	}
	return p
}

// Written notes that p is stored. p may be nil.
func (p *PendingAudit) Written() {
	if p != nil {
		p.written.Store(true)
	}
}

// changedFields are the names of fields that are not the same.
type changedFields []string

func (names *changedFields) add(name string, same bool) {
	if !same {
		*names = append(*names, name)
	}
}

// ChangedFields are the fields of r that are others in the request, in the names of the API.
func (in SignUpRequest) ChangedFields(r Registration) []string {
	var changed changedFields
	changed.add("name", in.Name == r.Name)
	changed.add("email", in.Email == r.Email)
	changed.add("organisation", in.Organisation == r.Organisation)
	changed.add("role", in.JobTitle == r.JobTitle)
	changed.add("updates", in.AllowsNews == r.AllowsNews)
	changed.add("answers", maps.EqualFunc(in.Answers, r.Answers, slices.Equal[[]string]))
	return changed
}

// ChangedFields are the fields of e that an organiser may set, and that are others in next, in the names of the API.
func (e Event) ChangedFields(next Event) []string {
	var changed changedFields
	changed.add("slug", e.Slug == next.Slug)
	changed.add("title", e.Title == next.Title)
	changed.add("description", e.Description == next.Description)
	changed.add("language", e.Language == next.Language)
	changed.add("startsAt", e.StartsAt.Equal(next.StartsAt))
	changed.add("endsAt", e.EndsAt.Equal(next.EndsAt))
	changed.add("timeZone", e.TimeZone == next.TimeZone)
	changed.add("capacity", equalPointers(e.Capacity, next.Capacity))
	changed.add("waitingList", e.HasWaitlist == next.HasWaitlist)
	changed.add("verify", e.Verify == next.Verify)
	changed.add("joinUrl", e.JoinURL == next.JoinURL)
	changed.add("organiser.name", e.Organiser.Name == next.Organiser.Name)
	changed.add("organiser.email", e.Organiser.Email == next.Organiser.Email)
	changed.add("remindOrganiser", e.Organiser.ReceivesReminders == next.Organiser.ReceivesReminders)
	changed.add("dailyNote", e.Organiser.ReceivesDigest == next.Organiser.ReceivesDigest)
	changed.add("promoteUntil", e.PromotionCutoff == next.PromotionCutoff)
	changed.add("signUpOpensAt", e.SignUpOpensAt.Equal(next.SignUpOpensAt))
	changed.add("signUpClosesAt", e.SignUpClosesAt.Equal(next.SignUpClosesAt))
	changed.add("retentionDays", e.RetentionDays == next.RetentionDays)
	changed.add("questions", slices.EqualFunc(e.Questions, next.Questions, Question.equal))
	changed.add("reminders", slices.Equal(e.ScheduledMails, next.ScheduledMails))
	changed.add("confirmationText", e.ConfirmationText == next.ConfirmationText)
	changed.add("status", e.Status == next.Status)
	return changed
}

func equalPointers[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

func (q Question) equal(other Question) bool {
	return q.ID == other.ID && q.Kind == other.Kind && q.Label == other.Label && q.Required == other.Required &&
		slices.Equal(q.Options, other.Options)
}
