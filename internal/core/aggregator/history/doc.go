// Package history keeps log records in files of the state directory and finds them again, however many there are.
//
// Records are appended in the order of their arrival to segments, text files with one record per line (line.go), so that
// grep works too. A segment is closed at 64 MiB, and the oldest are removed when all of them take more than the limit. They are
// written in batches and never synced: durability of logs is not promised, but a crash costs at most the last line, and what
// is half a line is passed over. The newest records are also in memory, for ordinary questions and for a full disk.
//
// A question is answered in pages (scan.go): the files are read in blocks, backwards or forwards, raw bytes are searched before
// anything is parsed, and after two seconds the page is given out as it is, with the place where the next one begins.
//
// Add is for one caller, in one process (Lock). Logs may be called by anybody at any time, four at once.
package history
