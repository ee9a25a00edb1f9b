package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// An auditView is a page of the audit log, of an event or of all.
type auditView struct {
	Entries []auditRow
	Next    string // query of the next page
	CSV     string // path of the latest maxAuditExport
	Limit   string // of the file
	First   string // path of the first page; "" on it
}

// An auditRow is an entry in words.
type auditRow struct {
	Text, Details string
	Subject, Path string // what it was about, and where that is, each if known
	Actor         string
	When          string
}

// auditPerPage is how many entries a page shows, and auditPerRead how many an export reads at a time.
const (
	auditPerPage = 50
	auditPerRead = 100
)

// maxAuditExport is how many entries a file has at most, the latest: 6 MB, which Lambda answers with at most, hold more. The
// page says so, and the file's last line if there are more.
const maxAuditExport = 20_000

func (s *site) eventAudit(w http.ResponseWriter, r *http.Request, p *page) error {
	cursor := r.URL.Query().Get("cursor")
	e, log, err := s.Organiser.AuditLog(r.Context(), p.caller(), r.PathValue("id"), cursor, auditPerPage)
	if err != nil {
		return err
	}
	p.Event = &e
	return p.renderAudit(w, eventPath(e.ID)+"/history", cursor, log)
}

func (s *site) wholeAudit(w http.ResponseWriter, r *http.Request, p *page) error {
	cursor := r.URL.Query().Get("cursor")
	log, err := s.Organiser.WholeAuditLog(r.Context(), p.caller(), cursor, auditPerPage)
	if err != nil {
		return err
	}
	return p.renderAudit(w, "/organiser/history", cursor, log)
}

func (p *page) renderAudit(w http.ResponseWriter, path, cursor string, log organiser.Page[deltag.AuditEntry]) error {
	p.Title, p.Path = p.Text("console.audit.title"), path
	v := auditView{CSV: path + ".csv", Limit: p.Text("console.audit.limit", "n", p.Number(maxAuditExport))}
	if cursor != "" {
		v.First = path
	}
	if log.Next != "" {
		v.Next = "?" + url.Values{"cursor": {log.Next}}.Encode()
	}
	for _, e := range log.Items {
		v.Entries = append(v.Entries, p.auditRow(e))
	}
	return p.render(w, http.StatusOK, "audit", v)
}

func (p *page) auditRow(e deltag.AuditEntry) auditRow {
	row := auditRow{
		Text: p.Text("console.audit." + string(e.Action)), Details: p.auditDetails(e), Subject: e.Subject,
		Actor: p.auditActor(e), When: p.Date(e.At, zone()) + " " + p.TimeOfDay(e.At, zone()),
	}
	switch {
	case e.RegistrationID != "" && e.Action == deltag.AuditRegistrationErased:
		row.Subject = e.RegistrationID
	case e.RegistrationID != "":
		row.Subject, row.Path = p.Text("console.audit.registration"), eventPath(e.EventID)+"/attendees/"+e.RegistrationID
	case e.EventID != "" && (p.Event != nil || e.Action == deltag.AuditEventDeleted):
		if p.Event != nil { // the page is about it
			row.Subject = ""
		}
	case e.EventID != "":
		row.Path = eventPath(e.EventID)
	}
	return row
}

// auditActor says who did it, and through which front end if that was not the pages.
func (p *page) auditActor(e deltag.AuditEntry) string {
	switch e.Channel {
	case deltag.ChannelAPI:
		return p.Text("console.audit.by-token", "name", e.Actor)
	case deltag.ChannelOperator:
		return p.Text("console.audit.by-operator", "name", e.Actor)
	}
	return e.Actor
}

// auditDetails are the details of an entry in words.
func (p *page) auditDetails(e deltag.AuditEntry) string {
	var texts []string
	for _, detail := range e.Details {
		texts = append(texts, p.auditDetail(e.Action, detail))
	}
	return strings.Join(texts, ", ")
}

func (p *page) auditDetail(action deltag.AuditAction, detail string) string {
	switch action {
	case deltag.AuditMessageSent:
		return p.Text("console.audience." + detail)
	case deltag.AuditMailResent:
		return p.MailKindText(deltag.MailKind(detail))
	case deltag.AuditMemberInvited, deltag.AuditMemberJoined, deltag.AuditRoleChanged, deltag.AuditTokenCreated:
		return p.RoleName(deltag.Role(detail))
	case deltag.AuditAttendanceNoted:
		return p.Text("csv." + detail)
	}
	for _, key := range []string{"console.audit.field.", "console.event.", "form."} {
		if p.Has(key + detail) {
			return p.Text(key + detail)
		}
	}
	return detail
}

func (s *site) eventAuditCSV(w http.ResponseWriter, r *http.Request, p *page) error {
	var e deltag.Event
	entries, isCut, err := readAudit(func(cursor string) (log organiser.Page[deltag.AuditEntry], err error) {
		e, log, err = s.Organiser.AuditLog(r.Context(), p.caller(), r.PathValue("id"), cursor, auditPerRead)
		return log, err
	})
	if err != nil {
		return err
	}
	p.writeAudit(w, e.Slug+"-"+p.Text("console.audit.csv.file"), entries, isCut)
	return nil
}

func (s *site) wholeAuditCSV(w http.ResponseWriter, r *http.Request, p *page) error {
	entries, isCut, err := readAudit(func(cursor string) (organiser.Page[deltag.AuditEntry], error) {
		return s.Organiser.WholeAuditLog(r.Context(), p.caller(), cursor, auditPerRead)
	})
	if err != nil {
		return err
	}
	p.writeAudit(w, p.Text("console.audit.csv.file"), entries, isCut)
	return nil
}

// readAudit reads page after page, all before anything is answered: half a file would pass for a whole one. isCut says
// whether there are more than fit.
func readAudit(
	read func(cursor string) (organiser.Page[deltag.AuditEntry], error),
) (entries []deltag.AuditEntry, isCut bool, err error) {
	for cursor := ""; len(entries) <= maxAuditExport; {
		log, err := read(cursor)
		if err != nil {
			return nil, false, err
		}
		entries = append(entries, log.Items...)
		if cursor = log.Next; cursor == "" {
			break
		}
	}
	if len(entries) > maxAuditExport {
		return entries[:maxAuditExport], true, nil
	}
	return entries, false, nil
}

func (p *page) writeAudit(w http.ResponseWriter, name string, entries []deltag.AuditEntry, isCut bool) {
	web.BeginFile(w, web.CSVType, name+".csv")
	out := web.NewCSVWriter(w)
	var head []string
	for _, column := range []string{"time", "actor", "channel", "action", "details", "subject", "event", "registration"} {
		head = append(head, p.Text("console.audit.csv."+column))
	}
	_ = out.Write(head) // the client is gone if a write fails
	for _, e := range entries {
		_ = out.Write([]string{
			e.At.In(zone()).Format(time.DateTime), web.EscapeFormula(e.Actor), string(e.Channel),
			p.Text("console.audit." + string(e.Action)), web.EscapeFormula(p.auditDetails(e)), web.EscapeFormula(e.Subject),
			e.EventID, e.RegistrationID,
		})
	}
	if isCut {
		_ = out.Write([]string{p.Text("console.audit.csv.cut", "n", p.Number(maxAuditExport))})
	}
	out.Flush()
}
