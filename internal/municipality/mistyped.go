package municipality

import "strings"

// minLongName is how many folded letters a name has at least in which one typing mistake is recognised. Shorter ones
// are too close to other places: Vejen to Vojens, Samsø to Ramsø.
const minLongName = 6

// otherPlaces are one typing mistake away from a name, and are no mistakes. They were found among the names of Danish
// postal codes, of municipalities before 2007, and of the municipalities of the other Nordic countries.
var otherPlaces = foldAll("Árborg", "Assels", "Borgholm", "Hårlev", "Hørning", "Kastrup", "Tistrup")

// findMistyped finds the only municipality with whose name, and one typing mistake in it, the words end. A space is a
// letter here, so the mistake may have made one word more.
func (d *directory) findMistyped(words []string) int {
	found := nobody
	for n := min(d.maxWords+1, len(words)); n > 0; n-- {
		typed := strings.Join(words[len(words)-n:], " ")
		nominative := strings.TrimSuffix(typed, "s")
		if otherPlaces()[typed] || otherPlaces()[nominative] {
			return nobody
		}
		near := d.findNear(typed)
		if nominative != typed {
			near = append(near, d.findNear(nominative)...)
		}
		for _, s := range near {
			if len(s.name) < minLongName || found != nobody && found != s.id {
				return nobody
			}
			found = s.id
		}
	}
	return found
}

// findNear finds all spellings that are one typing mistake away.
func (d *directory) findNear(name string) (near []spelling) {
	for length := len(name) - 1; length <= len(name)+1; length++ {
		for _, s := range d.byLength[length] {
			if isOneMistakeApart(name, s.name) {
				near = append(near, s)
			}
		}
	}
	return near
}

// isOneMistakeApart tells whether one letter too many, too few or another one, or two that changed places, make a and
// b differ. It compares bytes: what is folded is ASCII, nearly always. Equal ones are not apart.
func isOneMistakeApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	if len(a) < len(b) {
		return a == b[1:]
	}
	return a[1:] == b[1:] || len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
}
