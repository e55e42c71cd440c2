// The columns of lists of transfers.
import { link } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { show } from '../../time.js';
import { badge, idText } from '../../ui/index.js';
import { amountOf, sideText } from './sides.js';

const t = text.money;

/** For `table`: when, what, both sides, amount and status. `own`: the reader's wallets. */
export function transferColumns(own) {
  return [
    { label: t.when, rowHeader: true, cell: (transfer) => link(`/transfers/${transfer.id}`, show(transfer.created_at)) },
    { label: t.kind, cell: (transfer) => text.kinds[transfer.kind] ?? transfer.kind },
    { label: t.from, cell: (transfer) => sideText(transfer, 'source', own) },
    { label: t.to, cell: (transfer) => sideText(transfer, 'destination', own) },
    { label: t.amount, align: 'end', isLead: true, cell: (transfer) => amountOf(transfer, own) },
    { label: t.status, cell: (transfer) => badge(transfer.status) },
    can('transfers:read_all') ? { label: t.id, isWide: true, cell: (transfer) => idText(transfer.id) } : null,
  ].filter(Boolean);
}

/** Why a transfer failed, in words. */
export function reasonText(code) {
  return t.reasons[code] ?? code;
}
