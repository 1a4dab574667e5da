package log

// Sub returns the tree below a directory of fsys as an FS of its own; "." is that directory.
func Sub(fsys FS, dir string) FS { return subFS{fs: fsys, dir: dir} }

type subFS struct {
	fs  FS
	dir string
}

func (s subFS) name(name string) string {
	if name == "." {
		return s.dir
	}
	return s.dir + "/" + name
}

func (s subFS) Open(name string) (File, error)    { return s.fs.Open(s.name(name)) }
func (s subFS) Create(name string) (File, error)  { return s.fs.Create(s.name(name)) }
func (s subFS) Rename(from, to string) error      { return s.fs.Rename(s.name(from), s.name(to)) }
func (s subFS) Remove(name string) error          { return s.fs.Remove(s.name(name)) }
func (s subFS) List(dir string) ([]string, error) { return s.fs.List(s.name(dir)) }
func (s subFS) Mkdir(dir string) error            { return s.fs.Mkdir(s.name(dir)) }
func (s subFS) SyncDir(dir string) error          { return s.fs.SyncDir(s.name(dir)) }
