package sim

// MissingFaults are those of the vocabulary (design.md, section 5) that no run causes, and why.
var MissingFaults = [...]string{
	"adding and removing brokers, moving partitions: brokers can't do it yet",
	"transferring leadership when asked to: brokers do it only when they stop",
	"rolling upgrades: there is one version",
}

// The kinds of faults that the nemesis causes (design.md, section 5).
const (
	faultCrash = iota
	faultCrashAll
	faultPower
	faultPowerAll
	faultCrashPower
	faultSlowElected
	faultPause
	faultSplit
	faultOneWay
	faultIsolate
	faultIsolateLeader
	faultBridge
	faultClog
	faultReset
	faultClock
	faultSlowDisk
	faultSyncError
	faultRot
	faultWipe
	faultStray
	faultDrag
	faultBadSector
	faultFull
	faultRestore
	faultRotAll
	faultVotes
	faultHolesVote
	faultStop
	faultStopAll
	faultRolling
	faultAmbush
	faultRing
	faultCorrupt
	faultSluggish
	faultGarbage
	faultNumb
	faultClientCrash
	faultWriteError
	faultKinds
)

// faultRow is one kind.
type faultRow struct {
	name    string
	weight  int  // the most that a seed draws for it
	always  bool // every seed has it
	brokers int  // that it needs at least
	family  family
	story   string // of testdata/sim, that shows it
}

// family is what a kind of faults is about.
type family int

const (
	familyProcess family = iota
	familyPower
	familyNetwork
	familyDisk
	familyClient
	families
)

var faultTable = [faultKinds]faultRow{
	faultCrash:         {"crash", 6, true, 1, familyProcess, "last-standing"},
	faultCrashAll:      {"crash-all", 2, false, 1, familyProcess, "crash-all"},
	faultPower:         {"power", 5, true, 1, familyPower, "rotating-power"},
	faultPowerAll:      {"power-all", 3, false, 1, familyPower, "power-lost"},
	faultCrashPower:    {"crash-power", 4, true, 1, familyPower, "caches-lost"},
	faultSlowElected:   {"slow-elected", 12, true, 3, familyPower, "shrunk/vote-before-term"},
	faultPause:         {"pause", 3, false, 1, familyProcess, "pause"},
	faultSplit:         {"split", 5, true, 1, familyNetwork, "partition-then-power"},
	faultOneWay:        {"one-way", 4, false, 2, familyNetwork, "one-way"},
	faultIsolate:       {"isolate", 4, false, 2, familyNetwork, "shrink-to-self"},
	faultIsolateLeader: {"isolate-leader", 5, true, 2, familyNetwork, "deposed-leader"},
	faultBridge:        {"bridge", 3, false, 3, familyNetwork, "bridge"},
	faultClog:          {"clog", 3, false, 1, familyNetwork, "swizzle-clog"},
	faultReset:         {"reset", 4, false, 1, familyNetwork, "reset"},
	faultClock:         {"clock", 2, false, 1, familyProcess, "clock"},
	faultSlowDisk:      {"slow-disk", 3, false, 1, familyDisk, "read-after-restart"},
	faultSyncError:     {"sync-error", 2, false, 1, familyDisk, "sync-error"},
	faultRot:           {"rot", 2, false, 3, familyDisk, "segments/closed"},
	faultWipe:          {"wipe", 2, false, 3, familyDisk, "wipe"},
	faultStray:         {"stray-write", 2, false, 3, familyDisk, "wal/misdirected-write"},
	faultDrag:          {"dragging-disk", 2, false, 1, familyDisk, "slow-disk"},
	faultBadSector:     {"bad-sector", 2, false, 3, familyDisk, "wal/unreadable"},
	faultFull:          {"full-disk", 3, false, 1, familyDisk, "repair/full-disk"},
	faultRestore:       {"restore", 2, false, 3, familyDisk, "repair/restored-backup"},
	faultRotAll:        {"rot-all", 4, false, 3, familyDisk, "repair/rot-all"},
	faultVotes:         {"lose-votes", 2, false, 3, familyDisk, "wal/both-directories"},
	faultHolesVote:     {"holes-vote", 12, true, 3, familyDisk, "wal/hole-votes"},
	faultStop:          {"stop", 4, true, 1, familyProcess, "stop"},
	faultStopAll:       {"stop-all", 1, false, 1, familyProcess, "stop-all"},
	faultRolling:       {"rolling-restart", 2, false, 1, familyProcess, "rolling-restart"},
	faultAmbush:        {"ambush", 8, true, 1, familyPower, "ambush"},
	faultRing:          {"ring", 4, false, 5, familyNetwork, "ring-of-majorities"},
	faultCorrupt:       {"corrupt", 3, false, 2, familyNetwork, "corrupted-envelope"},
	faultSluggish:      {"sluggish", 3, false, 1, familyProcess, "slow-process"},
	faultGarbage:       {"garbage", 4, false, 1, familyClient, "garbage"},
	faultNumb:          {"numb-consumer", 2, false, 1, familyClient, "numb-consumer"},
	faultClientCrash:   {"client-crash", 3, false, 1, familyClient, "zombie"},
	faultWriteError:    {"write-error", 2, false, 1, familyDisk, "write-error"},
}

// cause causes one fault of a kind.
func (f *nemesis) cause(kind int) {
	f.w.struck[kind]++
	[faultKinds]func(*nemesis){
		faultCrash:         (*nemesis).crash,
		faultCrashAll:      (*nemesis).crashAll,
		faultPower:         (*nemesis).power,
		faultPowerAll:      (*nemesis).powerAll,
		faultCrashPower:    (*nemesis).crashPower,
		faultSlowElected:   (*nemesis).slowElected,
		faultPause:         (*nemesis).pause,
		faultSplit:         (*nemesis).splitInTwo,
		faultOneWay:        (*nemesis).oneWay,
		faultIsolate:       (*nemesis).isolate,
		faultIsolateLeader: (*nemesis).isolateLeader,
		faultBridge:        (*nemesis).bridge,
		faultClog:          (*nemesis).clog,
		faultReset:         (*nemesis).reset,
		faultClock:         (*nemesis).clock,
		faultSlowDisk:      (*nemesis).slowDown,
		faultSyncError:     (*nemesis).syncError,
		faultRot:           (*nemesis).rot,
		faultWipe:          (*nemesis).wipeOne,
		faultStray:         (*nemesis).strayWrite,
		faultDrag:          (*nemesis).dragDown,
		faultBadSector:     (*nemesis).badSector,
		faultFull:          (*nemesis).fullDisk,
		faultRestore:       (*nemesis).restoreOne,
		faultRotAll:        (*nemesis).rotAll,
		faultVotes:         (*nemesis).loseVotes,
		faultHolesVote:     (*nemesis).holesVote,
		faultStop:          (*nemesis).stopOne,
		faultStopAll:       (*nemesis).stopAll,
		faultRolling:       (*nemesis).rollingRestart,
		faultAmbush:        (*nemesis).lieInWait,
		faultRing:          (*nemesis).ring,
		faultCorrupt:       (*nemesis).corrupt,
		faultSluggish:      (*nemesis).tire,
		faultGarbage:       (*nemesis).vandalize,
		faultNumb:          (*nemesis).benumb,
		faultClientCrash:   (*nemesis).crashClient,
		faultWriteError:    (*nemesis).writeError,
	}[kind](f)
}
