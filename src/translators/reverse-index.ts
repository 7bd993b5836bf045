/** Who uses what: from a used thing to its users. */

/** Index from each referent to the users that name it. */
export class ReverseIndex<R, U> {
  private readonly users = new Map<R, Set<U>>();
  private readonly referents = new Map<U, ReadonlySet<R>>();

  /** Replaces what `user` names. An empty set forgets the user. */
  set(user: U, named: ReadonlySet<R>): void {
    const before = this.referents.get(user);
    if (before !== undefined) {
      for (const referent of before) if (!named.has(referent)) this.drop(referent, user);
    }
    for (const referent of named) this.add(referent, user);
    if (named.size === 0) this.referents.delete(user);
    else this.referents.set(user, named);
  }

  /** Users of a referent. */
  of(referent: R): ReadonlySet<U> {
    return this.users.get(referent) ?? new Set<U>();
  }

  /** What a user names. */
  namedBy(user: U): ReadonlySet<R> {
    return this.referents.get(user) ?? new Set<R>();
  }

  private add(referent: R, user: U): void {
    const users = this.users.get(referent);
    if (users === undefined) this.users.set(referent, new Set([user]));
    else users.add(user);
  }

  private drop(referent: R, user: U): void {
    const users = this.users.get(referent);
    users?.delete(user);
    if (users?.size === 0) this.users.delete(referent);
  }
}
