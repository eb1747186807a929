// Package statefile has the two ways to touch a file that one process keeps for the next: replace it in one step, and put it aside when it
// cannot be used.
package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Replace puts a new file in the place of path: whenever the power is cut there is the old one or the new one, and after Replace the new one.
// Only the process that owns path may call it, one call at a time: the new file is always called path.new, so that what a killed process has
// left is overwritten and does not pile up.
func Replace(path string, data []byte) error { return replace(path, data, (*os.File).Sync) }

// replace syncs the file before it gets its name, as the name may be on disk long before what is in the file, and then the directory,
// which has the name.
func replace(path string, data []byte, sync func(*os.File) error) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, sync(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name())) // a full disk needs the room
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(sync(dir), dir.Close())
}

// PutAside gives a file that cannot be used the name path.damaged-TIME, too, and returns that. Nothing that was put aside before is
// overwritten. The file also keeps its name, until its owner replaces it: one that dies before finds it damaged again, and not gone, as
// at a first start. Where a file cannot have two names it is renamed.
func PutAside(path string, now time.Time) (aside string, err error) {
	if aside = already(path); aside != "" {
		return aside, nil
	}
	aside = Aside(path, "damaged", now)
	if os.Link(path, aside) == nil {
		return aside, nil
	}
	return aside, os.Rename(path, aside)
}

// already returns the name that path was put aside with by one who has not replaced it; "" if there is none.
func already(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return ""
	}
	for _, aside := range Asides(path, "damaged") {
		if other, err := os.Lstat(aside); err == nil && os.SameFile(info, other) {
			return aside
		}
	}
	return ""
}

// Asides returns the files beside path that Aside has named, oldest first.
func Asides(path, why string) (all []string) {
	names, _ := os.ReadDir(filepath.Dir(path)) // sorted
	for _, name := range names {
		if strings.HasPrefix(name.Name(), filepath.Base(path)+"."+why+"-") {
			all = append(all, filepath.Join(filepath.Dir(path), name.Name()))
		}
	}
	return all
}

// Aside returns a name beside path that no file has: path.WHY-TIME. Names sort by time.
func Aside(path, why string, now time.Time) string {
	name := path + "." + why + "-" + now.UTC().Format("20060102T150405Z")
	free := name
	for n := 2; ; n++ {
		if _, err := os.Lstat(free); errors.Is(err, fs.ErrNotExist) || n > most {
			return free
		}
		free = fmt.Sprintf("%s-%d", name, n) // the second one within a second
	}
}

// most is how many names are tried, should it be impossible to tell whether there is such a file.
const most = 1000
