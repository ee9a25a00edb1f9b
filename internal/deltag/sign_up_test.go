package deltag

import (
	"strings"
	"testing"
)

func eventWithQuestions() Event {
	e := testEvent()
	e.Questions = []Question{
		{ID: "c", Kind: QuestionChoice, Label: "?", Options: []string{"a", "b"}, Required: true},
		{ID: "m", Kind: QuestionMultipleChoice, Label: "?", Options: []string{"a", "b"}},
		{ID: "t", Kind: QuestionCheckbox, Label: "?"},
		{ID: "l", Kind: QuestionLongText, Label: "?"},
		{ID: "s", Kind: QuestionShortText, Label: "?"},
	}
	return e
}

func TestSignUpValidateRefuses(t *testing.T) {
	for want, change := range map[string]func(*SignUpRequest){
		"name: missing":                func(s *SignUpRequest) { s.Name = "" },
		"name: too-long 200":           func(s *SignUpRequest) { s.Name = strings.Repeat("å", MaxName+1) },
		"organisation: too-long 200":   func(s *SignUpRequest) { s.Organisation = strings.Repeat("å", MaxName+1) },
		"role: too-long 200":           func(s *SignUpRequest) { s.JobTitle = strings.Repeat("å", MaxName+1) },
		"name: hidden-characters":      func(s *SignUpRequest) { s.Name = "Met\u200bte" },
		"role: hidden-characters":      func(s *SignUpRequest) { s.JobTitle = "Le\u00adder" },
		"role: bad-characters":         func(s *SignUpRequest) { s.JobTitle = "a\u202eb" },
		"answers.c: missing":           func(s *SignUpRequest) { s.Answers = nil },
		"answers.c: too-many 1":        func(s *SignUpRequest) { s.Answers["c"] = []string{"a", "b"} },
		"answers.c: unknown-option":    func(s *SignUpRequest) { s.Answers["c"] = []string{"z"} },
		"answers.m: unknown-option":    func(s *SignUpRequest) { s.Answers["m"] = []string{"a", "z"} },
		"answers.t: unknown-option":    func(s *SignUpRequest) { s.Answers["t"] = []string{"on"} },
		"answers.l: too-many 1":        func(s *SignUpRequest) { s.Answers["l"] = []string{"a", "b"} },
		"answers.l: too-long 4000":     func(s *SignUpRequest) { s.Answers["l"] = []string{strings.Repeat("å", 4001)} },
		"answers.s: too-long 500":      func(s *SignUpRequest) { s.Answers["s"] = []string{strings.Repeat("å", 501)} },
		"answers.s: bad-characters":    func(s *SignUpRequest) { s.Answers["s"] = []string{"a\nb"} },
		"answers.s: hidden-characters": func(s *SignUpRequest) { s.Answers["s"] = []string{"a\U000e0041"} },
		"answers.z: unknown-question":  func(s *SignUpRequest) { s.Answers["z"] = []string{"a"} },
	} {
		t.Run(want, func(t *testing.T) {
			s := SignUpRequest{Name: "Mette", Answers: map[string][]string{"c": {"a"}}}
			change(&s)
			assertEqual(t, validationCodes(s.Validate(eventWithQuestions())), []string{want})
		})
	}
}

func TestSignUpValidateAcceptsTheLongestValues(t *testing.T) {
	longest := strings.Repeat("ø", MaxName)
	s := SignUpRequest{Name: longest, Organisation: longest, JobTitle: longest, Answers: map[string][]string{
		"c": {"a"}, "m": {"a", "b"}, "t": {CheckedValue}, "s": {strings.Repeat("å", MaxShortText)},
		"l": {strings.Repeat("å", MaxLongText-2) + "\nb"},
	}}
	assertEqual(t, validationCodes(s.Validate(eventWithQuestions())), []string(nil))
}

func TestSignUpValidateAcceptsTheShortestValues(t *testing.T) {
	s := SignUpRequest{Name: "å", Answers: map[string][]string{"c": {"a"}, "s": {""}}}
	assertEqual(t, validationCodes(s.Validate(eventWithQuestions())), []string(nil))
}

func TestSignUpNormalizeTrimsAndDropsEmptyAnswers(t *testing.T) {
	s := SignUpRequest{
		Name: " Mette\u00a0\ufeff", Organisation: "\u200b\tAarhus ", JobTitle: " ", AllowsNews: true,
		Answers: map[string][]string{"a": {" x ", "  ", "y"}, "b": {""}, "c": nil, "d": {"z"}},
	}
	assertEqual(t, s.Normalize(), SignUpRequest{
		Name: "Mette", Organisation: "Aarhus", AllowsNews: true, Answers: map[string][]string{"a": {"x", "y"}, "d": {"z"}},
	})
}
