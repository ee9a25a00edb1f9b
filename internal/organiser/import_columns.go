package organiser

import (
	"slices"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/spreadsheet"
)

// An ImportField is what a column of an imported list holds: one of those below, "answers.<id>" for the answers to a
// question, or "" for nothing that is imported.
type ImportField string

const (
	ImportName         ImportField = "name"
	ImportFirstName    ImportField = "firstName"
	ImportLastName     ImportField = "lastName"
	ImportEmail        ImportField = "email"
	ImportOrganisation ImportField = "organisation"
	ImportJobTitle     ImportField = "role"
	ImportLanguage     ImportField = "language"

	importAnswer = "answers."
)

// importFields are all but the answers, with the heads of columns that hold them, as foldText spells them and without
// what is neither a letter nor a digit.
var importFields = []struct {
	field ImportField
	heads []string
}{
	{ImportName, []string{
		"navn", "name", "fuldenavn", "fuldtnavn", "fullname", "deltager", "deltagernavn", "displayname",
	}},
	{ImportFirstName, []string{"fornavn", "fornavne", "firstname", "givenname"}},
	{ImportLastName, []string{"efternavn", "efternavne", "lastname", "surname", "familyname"}},
	{ImportEmail, []string{
		"email", "mail", "emailadresse", "mailadresse", "emailaddress", "mailaddress", "epost", "epostadresse",
		"arbejdsmail", "useremail",
	}},
	{ImportOrganisation, []string{
		"organisation", "organization", "kommune", "arbejdsplads", "arbejdssted", "firma", "virksomhed", "company",
		"employer", "institution", "municipality",
	}},
	{ImportJobTitle, []string{
		"stilling", "stillingsbetegnelse", "titel", "rolle", "role", "title", "jobtitle", "jobtitel", "position",
	}},
	{ImportLanguage, []string{"sprog", "language"}},
}

// ImportFields are all that a column can hold in an import to e, in the order of the form.
func ImportFields(e deltag.Event) []ImportField {
	var all []ImportField
	for _, f := range importFields {
		all = append(all, f.field)
	}
	for _, q := range e.Questions {
		all = append(all, ImportField(importAnswer+q.ID))
	}
	return all
}

// MatchColumns says what the columns of a list hold, by their heads. Of several that hold the same, the first counts.
// A question's own words come before all others.
func MatchColumns(e deltag.Event, header spreadsheet.Row) []ImportField {
	columns := make([]ImportField, len(header.Cells))
	for i, head := range header.Cells {
		if field := matchColumn(e, head); !slices.Contains(columns[:i], field) {
			columns[i] = field
		}
	}
	return columns
}

func matchColumn(e deltag.Event, head string) ImportField {
	head = columnHead(head)
	if head == "" {
		return ""
	}
	for _, q := range e.Questions {
		if head == columnHead(q.Label) || head == columnHead(q.ID) || head == columnHead(importAnswer+q.ID) {
			return ImportField(importAnswer + q.ID)
		}
	}
	for _, f := range importFields {
		if slices.Contains(f.heads, head) {
			return f.field
		}
	}
	return ""
}

// columnHead is a head without case, accents and all but letters and digits: "E-mail:" is "email".
func columnHead(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, foldText(s))
}

// knownColumns is columns, which somebody has chosen, without what e does not ask for and what is there twice.
func knownColumns(e deltag.Event, columns []ImportField) []ImportField {
	fields, known := ImportFields(e), make([]ImportField, len(columns))
	for i, field := range columns {
		if slices.Contains(fields, field) && !slices.Contains(known[:i], field) {
			known[i] = field
		}
	}
	return known
}

// readImportLine is what a line of a list says, not validated yet. A question without a column has no answer.
func readImportLine(e deltag.Event, columns []ImportField, row spreadsheet.Row) deltag.SignUpRequest {
	in := deltag.SignUpRequest{Answers: map[string][]string{}}
	var first, last string
	for i, field := range columns {
		cell := deltag.TrimBlank(row.Cell(i))
		switch field {
		case ImportName:
			in.Name = cell
		case ImportFirstName:
			first = cell
		case ImportLastName:
			last = cell
		case ImportEmail:
			in.Email.Original = cell
		case ImportOrganisation:
			in.Organisation = cell
		case ImportJobTitle:
			in.JobTitle = cell
		case ImportLanguage:
			in.Language = readLanguage(cell)
		default:
			if q, ok := e.Question(strings.TrimPrefix(string(field), importAnswer)); ok && cell != "" {
				in.Answers[q.ID] = readImportAnswer(q, cell)
			}
		}
	}
	if in.Name == "" {
		in.Name = strings.TrimSpace(first + " " + last)
	}
	// As mail programs copy it: "Mette Nybo <mette@example.dk>".
	if name, address, ok := strings.Cut(strings.TrimSuffix(in.Email.Original, ">"), "<"); ok {
		in.Email.Original = address
		if in.Name == "" {
			in.Name = strings.Trim(name, ` "`)
		}
	}
	return in
}

func readLanguage(cell string) deltag.Language {
	switch columnHead(cell) {
	case "da", "dk", "dansk", "danish":
		return deltag.LanguageDanish
	case "en", "uk", "engelsk", "english":
		return deltag.LanguageEnglish
	}
	return deltag.Language(cell)
}

// readImportAnswer reads a cell as it may have been typed, or as our own lists write it: several answers with commas.
func readImportAnswer(q deltag.Question, cell string) []string {
	switch q.Kind {
	case deltag.QuestionCheckbox:
		switch columnHead(cell) {
		case "ja", "yes", "x", "1", "sand", "true", "on":
			return []string{deltag.CheckedValue}
		case "nej", "no", "0", "falsk", "false", "off":
			return nil
		}
	case deltag.QuestionChoice:
		return []string{knownOption(q, cell)}
	case deltag.QuestionMultipleChoice:
		if option := knownOption(q, cell); slices.Contains(q.Options, option) { // one that has a comma, perhaps
			return []string{option}
		}
		var answers []string
		for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(",;\n", r) }) {
			answers = append(answers, knownOption(q, deltag.TrimBlank(part)))
		}
		return answers
	}
	return []string{cell}
}

// knownOption is the option that is spelled as answer but for case and accents, or answer itself.
func knownOption(q deltag.Question, answer string) string {
	for _, option := range q.Options {
		if foldText(option) == foldText(answer) {
			return option
		}
	}
	return answer
}
