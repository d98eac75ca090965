package account

import (
	"slices"

	"recents/core"
)

// Team is a group as the chat app's backend last set it: who gets its messages,
// and who may revoke them.
type Team struct {
	Key      core.Key // Team or SuperTeam
	Owner    string   // "" for none
	Managers []string
	Members  []string // all of them, owner and managers included
}

// Has reports whether the account is a member.
func (t *Team) Has(account string) bool { return slices.Contains(t.Members, account) }

// MayRevoke reports whether operator may revoke a message of from: its sender
// may, and so may the owner and the managers.
func (t *Team) MayRevoke(operator, from string) bool {
	return operator == from && t.Has(from) || operator == t.Owner && operator != "" || slices.Contains(t.Managers, operator)
}
