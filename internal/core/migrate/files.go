package migrate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/pyyaml"
)

// remote are file systems on which a database file is not safe, by their magic numbers (statfs(2)).
var remote = map[int64]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.SMB2_SUPER_MAGIC: "SMB", 0xff534d42: "CIFS",
	unix.CEPH_SUPER_MAGIC: "Ceph", 0x0bd00bd0: "Lustre", 0x47504653: "GPFS", unix.AFS_SUPER_MAGIC: "AFS", 0x19830326: "BeeGFS",
}

// files looks at what the daemons read and write.
func (x *examination) files() {
	x.relativePaths()
	if x.Incomplete {
		x.add(Look, "checklist, log files and interpreter were not looked at: environment variables in their paths are not set", "set them and check again")
		return
	}
	x.checklist()
	x.state()
	x.logFiles()
}

// relativePaths finds names that Python takes as relative to its working directory.
func (x *examination) relativePaths() {
	base := filepath.Dir(x.Config.File)
	complain := func(name string, keys ...string) {
		if name == "" || filepath.IsAbs(name) || x.Directory == base {
			return
		}
		x.about(Must, fmt.Sprintf("is %s, which here is relative to %s, and for Python to the directory it was started in", name, base), "write an absolute path", keys...)
	}
	if name, ok := x.Config.Values.Get("checklist file"); ok {
		text, _ := name.(string)
		complain(text, "checklist file")
	}
	for _, h := range x.handlerFiles() {
		complain(h.name, h.keys...)
	}
}

// handlerFile is the file of a log handler.
type handlerFile struct {
	name string
	keys []string
}

func (x *examination) handlerFiles() (files []handlerFile) {
	look := func(section *pyyaml.Map, keys ...string) {
		handlers, _ := section.Get("handlers")
		all, _ := handlers.(*pyyaml.Map)
		for key, value := range all.All() {
			h, _ := value.(*pyyaml.Map)
			name, _ := h.Get("filename")
			if text, ok := name.(string); ok {
				handler, _ := key.(string)
				files = append(files, handlerFile{text, append(keys[:len(keys):len(keys)], "handlers", handler, "filename")})
			}
		}
	}
	if x.Config.Logging == nil {
		return nil
	}
	look(x.Config.Logging, "logging")
	for _, part := range []string{"publisher", "aggregator"} {
		v, _ := x.Config.Logging.Get(part)
		if m, ok := v.(*pyyaml.Map); ok {
			look(m, "logging", part)
		}
	}
	return files
}

// checklist looks whether the manager will go on with the checklist of the Python manager.
func (x *examination) checklist() {
	path := x.Config.ChecklistFile
	const key = "checklist file"
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	dir := filepath.Dir(path)
	if unix.Access(dir, unix.W_OK) != nil {
		x.about(Must, "is in "+dir+", which this user may not write to: the file is replaced as a whole, so its directory must be writable", "chmod or chown the directory, or move the file", key)
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		x.about(Look, path+" does not exist: the manager begins with an empty checklist, as today", "", key)
		return
	case err != nil:
		x.about(Must, "cannot be read: "+err.Error(), "let this user read it", key)
		return
	}
	v, err := pyyaml.Decode(data)
	m, isMap := v.(*pyyaml.Map)
	switch {
	case err != nil:
		x.about(Must, path+" cannot be loaded: "+err.Error(),
			"correct it while the Python manager is stopped, or begin with an empty one (--ignore-checklist); a tag !!python/... comes from rules that put Python objects into it", key)
	case v != nil && !isMap:
		x.about(Must, path+" is no mapping", "begin with an empty one: --ignore-checklist", key)
	default:
		x.about(Same, fmt.Sprintf("%s is loaded, %d keys; a Python manager can load what is written later", path, m.Len()), "", key)
	}
	x.about(Differ, "is replaced as a whole, never seen half-written, and has a comment as its last line", "nothing; readers that keep the file open must open it again", key)
	x.group(path, dir, key)
}

// group says when the file, being made anew, comes to belong to another group.
func (x *examination) group(path, dir, key string) {
	file, err1 := os.Stat(path)
	in, err2 := os.Stat(dir)
	if err1 != nil || err2 != nil || in.Mode()&fs.ModeSetgid != 0 {
		return
	}
	if st, ok := file.Sys().(*syscall.Stat_t); ok && int(st.Gid) != os.Getegid() {
		x.about(Differ, fmt.Sprintf("belongs to group %d; written anew it will belong to group %d, that of this user", st.Gid, os.Getegid()),
			"if its group matters: chgrp the directory and chmod g+s it", key)
	}
}

// state looks at where the state directory will be, which Python has not.
func (x *examination) state() {
	dir := x.Config.StateDir
	above := dir
	for { // the nearest that exists
		if _, err := os.Stat(above); err == nil || above == filepath.Dir(above) {
			break
		}
		above = filepath.Dir(above)
	}
	if unix.Access(above, unix.W_OK) != nil {
		x.add(Must, "the state directory "+dir+" cannot be made: this user may not write to "+above, "write state dir: with a directory of this user into "+x.ConfigFile)
		return
	}
	var st unix.Statfs_t
	if err := unix.Statfs(above, &st); err == nil {
		if name, ok := remote[int64(st.Type)&0xffffffff]; ok {
			x.add(Must, "the state directory "+dir+" is on "+name+", where a database is not safe", "write state dir: with a directory on a local disk into "+x.ConfigFile)
			return
		}
	}
	x.add(Differ, "checklist, barriers, launches and history are kept in a database in "+dir+", for this user only", "nothing; state dir: in the configuration moves it. Include it in backups, not in what a web server shows")
}

// logFiles looks whether the log files can be written.
func (x *examination) logFiles() {
	good := 0
	for _, h := range x.handlerFiles() {
		path := h.name
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(x.Config.File), path)
		}
		dir := filepath.Dir(path)
		_, missing := os.Stat(path)
		switch {
		case missing == nil && unix.Access(path, unix.W_OK) != nil:
			x.about(Must, path+" may not be written to by this user", "chown it, or run the daemons as its owner", h.keys...)
		case unix.Access(dir, unix.W_OK) != nil && !errors.Is(unix.Access(dir, unix.F_OK), unix.ENOENT): // one that is missing is said by check
			x.about(Must, "this user may not make files in "+dir, "chmod or chown it: the file is made anew when logs are rotated", h.keys...)
		default:
			good++
		}
	}
	if good > 0 {
		x.add(Same, strings.TrimSpace(fmt.Sprintf("log files: names, lines and rotation by rotate_logs, of %d handlers; daemons open a file again when it was rotated", good)), "")
	}
}
