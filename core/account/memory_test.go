package account_test

import (
	"testing"

	"recents/core/account"
	"recents/core/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) account.Accounts { return account.NewMemory() })
}
