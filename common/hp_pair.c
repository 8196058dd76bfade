#include "common/hp_pair.h"

#include <sys/socket.h>
#include <unistd.h>

enum { MOST_PATIENCE = 1024 };

void hp_pair_place_at(pid_t who, const cpu_set_t *where)
{
    (void)sched_setaffinity(who, sizeof *where, where);
}

void hp_pair_meet(hp_pair *pair, int fd)
{
    struct ucred who = {.pid = 0};
    socklen_t len = sizeof who;
    pair->other = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.pid != getpid() &&
        sched_getaffinity(who.pid, sizeof pair->home, &pair->home) == 0) {
        pair->other = who.pid;
    }
}

/** Where the other is to run; false: not apart from us, as there is no place, or it failed lately.
 */
static bool find_elsewhere(hp_pair *pair, cpu_set_t *where)
{
    CPU_XOR(where, &pair->home, &pair->here);
    if (CPU_COUNT(where) == 0 || pair->left > 0) {
        pair->left -= pair->left > 0 ? 1 : 0;
        *where = pair->here;
        return false;
    }
    return true;
}

void hp_pair_hold(hp_pair *pair, bool apart)
{
    const int at = sched_getcpu();
    if (pair->place != HP_PAIR_FREE || pair->other == 0 || at < 0 ||
        !CPU_ISSET((size_t)at, &pair->home) ||
        sched_getaffinity(0, sizeof pair->own, &pair->own) != 0) {
        return;
    }
    CPU_ZERO(&pair->here);
    CPU_SET((size_t)at, &pair->here);
    cpu_set_t where = pair->here;
    pair->place = apart && find_elsewhere(pair, &where) ? HP_PAIR_APART : HP_PAIR_TOGETHER;
    hp_pair_place_at(0, &pair->here);
    hp_pair_place_at(pair->other, &where);
}

void hp_pair_join(hp_pair *pair)
{
    if (pair->place == HP_PAIR_APART) {
        hp_pair_place_at(pair->other, &pair->here);
        pair->place = HP_PAIR_TOGETHER;
        pair->left = pair->patience;
        pair->patience = pair->patience < MOST_PATIENCE ? 2 * pair->patience + 1 : MOST_PATIENCE;
    }
}

void hp_pair_let_go(hp_pair *pair)
{
    if (pair->place == HP_PAIR_FREE) {
        return;
    }
    if (pair->place == HP_PAIR_APART) {
        pair->patience /= 2;
    }
    hp_pair_place_at(pair->other, &pair->home);
    hp_pair_place_at(0, &pair->own);
    pair->place = HP_PAIR_FREE;
}
