package organiser

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/spreadsheet"
)

// An ImportStatus says what becomes of a line of an imported list. The values are stable: the API shows them.
type ImportStatus string

const (
	ImportConfirmed  ImportStatus = "confirmed"  // gets a seat
	ImportWaitlisted ImportStatus = "waiting"    // gets a waitlist place
	ImportFull       ImportStatus = "full"       // all seats are taken, and nobody can wait
	ImportKnown      ImportStatus = "known"      // has a seat or waits: stays as it is
	ImportRepeated   ImportStatus = "repeated"   // the address stands in a line above
	ImportFaulty     ImportStatus = "faulty"     // see ImportLine.Faults
	ImportCancelled  ImportStatus = "cancelled"  // has a registration that was cancelled
	ImportErased     ImportStatus = "erased"     // was erased from this event on request
	ImportSuppressed ImportStatus = "suppressed" // mail to the address bounces, or its owner has complained
)

// ImportStatuses lists all of them.
var ImportStatuses = []ImportStatus{
	ImportConfirmed, ImportWaitlisted, ImportFull, ImportKnown, ImportRepeated, ImportFaulty, ImportCancelled, ImportErased,
	ImportSuppressed,
}

// An ImportLine is a line of an imported list.
type ImportLine struct {
	Line        int // as in spreadsheet.Row
	Name, Email string
	Status      ImportStatus
	Faults      deltag.ValidationErrors // of an ImportFaulty

	request deltag.SignUpRequest
	id      string // of the registration
}

// An Import is a list of people to be signed up. It is the same in the dry run and in each part of the import.
type Import struct {
	Table spreadsheet.Table
	// Columns says what each column holds. Nil: what its head says.
	Columns []ImportField
	// AddCancelled and AddErased are the organiser's word that these people want to take part after all.
	AddCancelled, AddErased bool
	WithoutMail             bool   // see deltag.SignUpRequest
	Source                  string // see deltag.ValidateSource
}

// An ImportPlan says what an import would do to each line.
type ImportPlan struct {
	Event   deltag.Event
	Columns []ImportField
	Lines   []ImportLine
}

// PlanImport says what Import would do. It writes nothing. What happens meanwhile may change it, such as others who take
// seats. It can't tell who was erased from another event, or under an address that they had before: nothing is kept of
// that. ErrClosed.
func (s *Service) PlanImport(ctx context.Context, by Caller, eventID string, in Import) (ImportPlan, error) {
	plan, err := s.beginImport(ctx, by, eventID, in)
	if err != nil {
		return plan, err
	}
	counts, err := s.Store.Counts(ctx, plan.Event)
	if err != nil {
		return plan, err
	}
	if err := s.lookUp(ctx, plan.Event, in, plan.Lines); err != nil {
		return plan, err
	}
	plan.predictSeats(counts)
	return plan, nil
}

// beginImport reads the lines, and asks nobody about them.
func (s *Service) beginImport(ctx context.Context, by Caller, eventID string, in Import) (ImportPlan, error) {
	e, err := s.eventToEdit(ctx, by, eventID)
	if err != nil {
		return ImportPlan{Event: e}, err
	}
	if !e.TakesSignUps(by.Now) {
		return ImportPlan{Event: e}, deltag.ErrClosed
	}
	plan := ImportPlan{Event: e, Columns: MatchColumns(e, in.Table.Header)}
	if in.Columns != nil {
		plan.Columns = knownColumns(e, in.Columns)
	}
	asked := e // of people whom nobody has asked
	asked.Questions = slices.Clone(e.Questions)
	for i, q := range asked.Questions {
		if !slices.Contains(plan.Columns, ImportField(importAnswer+q.ID)) {
			asked.Questions[i].Required = false
		}
	}
	lines := map[string]bool{} // by address
	for _, row := range in.Table.Rows {
		line := newImportLine(ctx, asked, plan.Columns, row)
		switch address := line.request.Email.Normalized; {
		case line.Status == ImportFaulty:
		case lines[address]:
			line.Status = ImportRepeated
		default:
			lines[address] = true
			line.request.ByOrganiser, line.request.Source, line.request.WithoutMail = true, in.Source, in.WithoutMail
			line.id = deltag.RegistrationID(e, line.request.Email)
		}
		plan.Lines = append(plan.Lines, line)
	}
	return plan, nil
}

// newImportLine has no status unless it is faulty. Which domains receive mail is asked later, of all at once.
func newImportLine(ctx context.Context, e deltag.Event, columns []ImportField, row spreadsheet.Row) ImportLine {
	typed := readImportLine(e, columns, row)
	line := ImportLine{Line: row.Line, Name: typed.Name, Email: typed.Email.Original}
	var err error
	line.request, err = address.ParseSignUp(ctx, typed, e, nil)
	if errors.As(err, &line.Faults) {
		line.Status = ImportFaulty
	}
	return line
}

// Limits of what an import does at the same time.
const (
	parallelReads   = 8
	parallelSignUps = 8
	parallelDomains = 32
)

// maxDomainChecks is how long an import asks about domains in all. Those that it has not asked about by then pass: their
// mail bounces, which is seen.
const maxDomainChecks = 4 * time.Second

// lookUp gives those of the lines that have no status yet, and won't be signed up, the reason.
func (s *Service) lookUp(ctx context.Context, e deltag.Event, in Import, lines []ImportLine) error {
	s.checkDomains(ctx, e, lines)
	var open []*ImportLine
	for i := range lines {
		if lines[i].Status == "" {
			open = append(open, &lines[i])
		}
	}
	erased := map[string]bool{}
	reads, readCtx := errgroup.WithContext(ctx)
	reads.SetLimit(parallelReads)
	if !in.AddErased && len(open) > 0 {
		reads.Go(func() error {
			ids, err := s.Store.ErasedIDs(readCtx, e.ID)
			for _, id := range ids {
				erased[id] = true
			}
			return err
		})
	}
	const batch = 100 // what the store reads at once
	for some := range slices.Chunk(open, batch) {
		reads.Go(func() error { return s.lookUpSome(readCtx, e, in, some) })
	}
	if err := reads.Wait(); err != nil {
		return err
	}
	for _, line := range open {
		if line.Status == "" && erased[line.id] {
			line.Status = ImportErased
		}
	}
	return nil
}

func (s *Service) lookUpSome(ctx context.Context, e deltag.Event, in Import, lines []*ImportLine) error {
	var ids []string
	var addresses []deltag.Address
	for _, line := range lines {
		ids, addresses = append(ids, line.id), append(addresses, line.request.Email)
	}
	registrations, err := s.Store.RegistrationsByID(ctx, e.ID, ids)
	if err != nil {
		return err
	}
	suppressed, err := s.Store.Suppressions(ctx, addresses)
	if err != nil {
		return err
	}
	stored := map[string]deltag.Registration{}
	for _, r := range registrations {
		stored[r.ID] = r
	}
	for i, line := range lines {
		r, known := stored[line.id]
		switch {
		case known && r.IsActive():
			line.Status = ImportKnown
		case suppressed[i] != deltag.AddressOK, r.AddressStatus == deltag.AddressBounced:
			line.Status = ImportSuppressed
		case known && r.Status == deltag.RegistrationCancelled && !in.AddCancelled:
			line.Status = ImportCancelled
		}
	}
	return nil
}

// checkDomains makes lines faulty whose domains receive no mail. Each domain is asked about once.
func (s *Service) checkDomains(ctx context.Context, e deltag.Event, lines []ImportLine) {
	if s.CheckDomain == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxDomainChecks)
	defer cancel()
	var mu sync.Mutex
	asked, refuses := map[string]bool{}, map[string]bool{}
	var checks errgroup.Group
	checks.SetLimit(parallelDomains)
	for _, line := range lines {
		domain := line.request.Email.Domain()
		if line.Status != "" || asked[domain] {
			continue
		}
		asked[domain] = true
		checks.Go(func() error {
			if ctx.Err() == nil && !s.CheckDomain(ctx, domain) {
				mu.Lock()
				defer mu.Unlock()
				refuses[domain] = true
			}
			return nil
		})
	}
	_ = checks.Wait() // none fails
	answer := func(_ context.Context, domain string) bool { return !refuses[domain] }
	for i := range lines {
		line := &lines[i]
		if line.Status != "" || !refuses[line.request.Email.Domain()] {
			continue
		}
		_, err := address.ParseSignUp(ctx, line.request, e, answer)
		for _, f := range fieldErrors(err) {
			if f.Field == "email" {
				line.Status, line.Faults = ImportFaulty, deltag.ValidationErrors{f}
			}
		}
	}
}

// predictSeats gives those of the lines a status that will be signed up, in the order of the list.
func (plan ImportPlan) predictSeats(counts deltag.Counts) {
	e := plan.Event
	free := len(plan.Lines)
	switch {
	case e.Capacity == nil:
	case counts.Waitlisted > 0:
		free = 0
	default:
		free = *e.Capacity - counts.Confirmed
	}
	for i := range plan.Lines {
		line := &plan.Lines[i]
		switch {
		case line.Status != "":
		case free > 0:
			line.Status = ImportConfirmed
			free--
		case e.HasWaitlist:
			line.Status = ImportWaitlisted
		default:
			line.Status = ImportFull
		}
	}
}

// An ImportPart is what a call of Import has done.
type ImportPart struct {
	Event deltag.Event
	Lines []ImportLine // that it dealt with
	Last  int          // the last line dealt with; give it to the next call. 0: none
	Done  bool         // there is no line behind it
}

// importChunk is how many lines are dealt with before Import looks whether it is time to stop.
const importChunk = 40

// importStep is how much later the time of a line's sign-up is than that of the line above it: the waitlist is in the
// order of these times, and a mail on its way tells somebody's place in it. A list of 10,000 lines spans 10 ms.
const importStep = time.Microsecond

// Import signs up the people of a list behind the line after, 0 for all, until there are no more lines or enough says
// so, which is asked between a few lines. Call it again with the part's Last until it is Done. An address that is
// signed up stays as it is and gets no mail, so a part may be repeated, also by two at once. An error comes with what
// was done before it, and the call may be repeated from there; some of the lines behind may be signed up already, and
// are ImportKnown then. ErrClosed; ValidationErrors about the source, with nothing stored.
func (s *Service) Import(
	ctx context.Context, by Caller, eventID string, in Import, after int, enough func() bool,
) (ImportPart, error) {
	in.Source = deltag.TrimBlank(in.Source)
	plan, err := s.beginImport(ctx, by, eventID, in)
	part := ImportPart{Event: plan.Event, Last: after}
	if err == nil {
		err = deltag.ValidateSource(in.Source)
	}
	if err != nil {
		return part, err
	}
	rest := plan.Lines
	for len(rest) > 0 && rest[0].Line <= after {
		rest = rest[1:]
	}
	for chunk := range slices.Chunk(rest, importChunk) {
		if len(part.Lines) > 0 && enough() {
			return part, nil
		}
		if err := s.importLines(ctx, by, plan.Event, in, chunk); err != nil {
			return part, err
		}
		part.Lines = append(part.Lines, chunk...)
		part.Last = chunk[len(chunk)-1].Line
	}
	part.Done = true
	return part, nil
}

func (s *Service) importLines(ctx context.Context, by Caller, e deltag.Event, in Import, lines []ImportLine) error {
	if err := s.lookUp(ctx, e, in, lines); err != nil {
		return err
	}
	var signUps errgroup.Group
	signUps.SetLimit(parallelSignUps)
	if e.Capacity != nil {
		signUps.SetLimit(1) // seats and waitlist places go in the order of the list
	}
	for i := range lines {
		line := &lines[i]
		if line.Status != "" {
			continue
		}
		signUps.Go(func() (err error) {
			line.Status, err = s.importLine(ctx, by, e, *line)
			return err
		})
	}
	return signUps.Wait()
}

func (s *Service) importLine(
	ctx context.Context, by Caller, e deltag.Event, line ImportLine,
) (ImportStatus, error) {
	ctx = by.record(ctx, deltag.AuditEntry{
		Action: deltag.AuditRegistrationImported, EventID: e.ID, RegistrationID: line.id,
	})
	signedUpAt := by.Now.Add(time.Duration(line.Line) * importStep)
	outcome, err := s.Store.SignUp(ctx, e, line.request, signedUpAt)
	switch {
	case errors.Is(err, deltag.ErrFull):
		return ImportFull, nil
	case err != nil:
		return "", err
	case outcome == deltag.OutcomeConfirmed:
		return ImportConfirmed, nil
	case outcome == deltag.OutcomeWaitlisted:
		return ImportWaitlisted, nil
	}
	return ImportKnown, nil // signed up since it was looked up
}
