/** Mocha's spec report, ended by one plain line that programs can read: `N passed, N failed[, N skipped]`. */
import Mocha from 'mocha';

const { Spec } = Mocha.reporters;

export default class PlainEndReporter extends Spec {
  epilogue() {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    const skipped = pending > 0 ? `, ${pending} skipped` : '';
    console.log(`${passes} passed, ${failures} failed${skipped}`);
  }
}
