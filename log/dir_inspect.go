package log

import (
	"errors"
	"fmt"
	"io/fs"
)

// InspectDir is [OpenDir], and says what is wrong with the copies of logd.meta that it didn't need, one line each.
func InspectDir(fsys FS) (d Dir, problems []string, err error) {
	if d, err = OpenDir(fsys); err != nil {
		return Dir{}, nil, err
	}
	for _, name := range []string{metaName, metaCopy} {
		is, err := readDir(fsys, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			problems = append(problems, name+" is missing")
		case err != nil:
			problems = append(problems, err.Error())
		case is != d:
			problems = append(problems, fmt.Sprintf("%s is of generation %d, the newer copy of %d: a start was cut short", name, is.Generation, d.Generation))
		}
	}
	return d, problems, nil
}
