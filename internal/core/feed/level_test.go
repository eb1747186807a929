package feed

import "testing"

func TestNamesAndNumbersOfLevelsAreThoseOfPython(t *testing.T) {
	for name, number := range map[string]int{"NOTSET": 0, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50} {
		if got, ok := PythonLevelNumber(name); !ok || got != number {
			t.Errorf("%s: got %d, %v, want %d", name, got, ok, number)
		}
		if got := PythonLevelName(number); got != name {
			t.Errorf("%d: got %s, want %s", number, got, name)
		}
	}
	for name, number := range map[string]int{"WARN": 30, "FATAL": 50} {
		if got, ok := PythonLevelNumber(name); !ok || got != number {
			t.Errorf("%s: got %d, %v, want %d", name, got, ok, number)
		}
	}
	for number, name := range map[int]string{25: "Level 25", -10: "Level -10", 60: "Level 60", 5: "Level 5"} {
		if got := PythonLevelName(number); got != name {
			t.Errorf("%d: got %s, want %s", number, got, name)
		}
	}
	if got, ok := PythonLevelNumber("info"); ok {
		t.Errorf("info: got %d, want that it is none", got)
	}
}
