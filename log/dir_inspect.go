package log

import (
	"errors"
	"io/fs"
)

// InspectDir is [OpenDir], and says what is wrong with a copy of logd.meta that it didn't need, in one line. Copies that differ are nothing
// wrong: a start was cut short between them.
func InspectDir(fsys FS) (d Dir, problems []string, err error) {
	if d, err = OpenDir(fsys); err != nil {
		return Dir{}, nil, err
	}
	for _, name := range []string{metaName, metaCopy} {
		_, err := readDir(fsys, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			problems = append(problems, name+" is missing")
		case err != nil:
			problems = append(problems, err.Error())
		}
	}
	return d, problems, nil
}
