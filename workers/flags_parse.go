package workers

import (
	"regexp"
	"slices"
	"strings"
)

// negativeNumber is a word that looks like an option and is none.
var negativeNumber = regexp.MustCompile(`^-\d+$|^-\d*\.\d+$`)

// usageError is a mistake in the command line, in argparse's words.
type usageError string

func (u usageError) Error() string { return string(u) }

// parse reads a command line from left to right, so that of several mistakes the first is reported. help tells that help was
// asked for; then nothing else counts.
func (f *Flags) parse(words []string) (help bool, err error) {
	missing := f.arguments
	var unrecognized []string
	plainOnly := false // behind --
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if !plainOnly && word == "--" {
			plainOnly = true
			continue
		}
		if plainOnly || !isOption(word) {
			if len(missing) == 0 {
				unrecognized = append(unrecognized, word)
				continue
			}
			if err := missing[0].set(word); err != nil {
				return false, err
			}
			missing = missing[1:]
			continue
		}
		name, text, hasText := strings.Cut(word, "=")
		d, err := f.option(name)
		switch {
		case err != nil:
			return false, err
		case d == nil:
			unrecognized = append(unrecognized, word)
			continue
		case d.name == "help":
			return true, nil
		}
		if words, err = d.take(text, hasText, words); err != nil {
			return false, err
		}
	}
	return false, complain(missing, unrecognized)
}

// complain returns the mistake of arguments that are missing, or else of words that are too many.
func complain(missing []*flag, unrecognized []string) error {
	var names []string
	for _, d := range missing {
		names = append(names, d.name)
	}
	switch {
	case len(missing) > 0:
		return usageError("the following arguments are required: " + strings.Join(names, ", "))
	case len(unrecognized) > 0:
		return usageError("unrecognized arguments: " + strings.Join(unrecognized, " "))
	}
	return nil
}

func isOption(word string) bool {
	return len(word) > 1 && word[0] == '-' && !negativeNumber.MatchString(word) && !strings.Contains(strings.SplitN(word, "=", 2)[0], " ")
}

// option finds an option by its name or the beginning of it; nil if there is none.
func (f *Flags) option(word string) (*flag, error) {
	if word == "-h" {
		return f.options[0], nil
	}
	name, ok := strings.CutPrefix(word, "--")
	if !ok {
		return nil, nil
	}
	var found []*flag
	var names []string
	for _, d := range f.options {
		if d.name == name {
			return d, nil
		}
		if strings.HasPrefix(d.name, name) {
			found = append(found, d)
			names = append(names, "--"+d.name)
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, usageError("ambiguous option: " + word + " could match " + strings.Join(names, ", "))
}

// take gives an option its value, from behind its = or from the next word, and returns the words that are left.
func (d *flag) take(text string, hasText bool, words []string) ([]string, error) {
	switch {
	case d.isSwitch && hasText:
		return nil, usageError("argument " + d.title() + ": ignored explicit argument " + quote(text))
	case d.isSwitch:
		d.value = true
		return words, nil
	case hasText:
		return words, d.set(text)
	case len(words) == 0 || isOption(words[0]) || words[0] == "--":
		return nil, usageError("argument " + d.title() + ": expected one argument")
	}
	return words[1:], d.set(words[0])
}

func (d *flag) set(text string) error {
	v, err := d.parse(text)
	if err != nil {
		return usageError("argument " + d.title() + ": " + err.Error())
	}
	if len(d.choices) > 0 && !slices.Contains(d.choices, text) {
		quoted := make([]string, len(d.choices))
		for i, c := range d.choices {
			quoted[i] = quote(c)
		}
		return usageError("argument " + d.title() + ": invalid choice: " + quote(text) + " (choose from " + strings.Join(quoted, ", ") + ")")
	}
	d.value = v
	return nil
}
